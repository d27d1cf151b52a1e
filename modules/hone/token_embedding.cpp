#include <utility>

#include <ATen/ATen.h>
#include <torch/types.h>

#include <hone/kernels/packed_linear.h>
#include <hone/token_embedding.h>
#include <hone/trainable.h>

namespace hone {

TokenEmbeddingImpl::TokenEmbeddingImpl(std::int64_t vocab_size, std::int64_t hidden_size) {
  weight = register_parameter("weight", torch::empty({vocab_size, hidden_size}));
}

Tensor TokenEmbeddingImpl::forward(const Tensor& ids) const {
  const auto* adapter = active_adapter();
  const auto rows = base_rows(ids);
  return adapter == nullptr ? rows : adapter->rows(ids, rows);
}

Tensor TokenEmbeddingImpl::base_rows(const Tensor& ids) const {
  return packed ? kernels::packed_embedding(ids, *packed, packed_dtype_)
                : at::embedding(weight, ids);
}

void TokenEmbeddingImpl::pack(std::shared_ptr<const kernels::PackedWeight> matrix,
                              at::ScalarType dtype) {
  TORCH_CHECK(slot_.empty(), "a layer that holds adapters cannot be packed");
  TORCH_CHECK(matrix->rows() == vocab_size() && matrix->columns() == hidden_size(),
              "a packed matrix of ", matrix->rows(), " x ", matrix->columns(),
              " does not fit an embedding of ", vocab_size(), " x ", hidden_size());
  packed = std::move(matrix);
  packed_dtype_ = dtype;
  weight.reset();
  parameters_.erase("weight");
}

at::TensorOptions TokenEmbeddingImpl::adapter_options() const {
  return packed ? at::TensorOptions().dtype(at::kFloat) : trainable_options(weight);
}

void TokenEmbeddingImpl::add_adapter(const std::string& name,
                                     std::shared_ptr<EmbeddingAdapter> adapter) {
  TORCH_CHECK(!merged_, "unmerge the active adapter before another is added");
  slot_.add(*this, name, std::move(adapter));
}

void TokenEmbeddingImpl::remove_adapter(const std::string& name) {
  if (merged_ != nullptr && slot_.find(name).get() == merged_) unmerge();
  slot_.remove(name);
}

void TokenEmbeddingImpl::merge() {
  if (merged_ != nullptr || active_adapter() == nullptr) return;
  TORCH_CHECK(!packed, "an adapter cannot be folded into a packed weight in place");
  torch::NoGradGuard no_grad;
  auto* adapter = active_adapter();
  if (adapter->replaces_whole()) replaced_ = weight.clone();
  weight.copy_(adapter->whole(weight));
  merged_ = adapter;
  ++slot_.adapter_switch()->merged_places;
}

void TokenEmbeddingImpl::unmerge() {
  if (merged_ == nullptr) return;
  torch::NoGradGuard no_grad;
  weight.copy_(replaced_.defined() ? replaced_ : merged_->unfold(weight));
  replaced_.reset();
  merged_ = nullptr;
  --slot_.adapter_switch()->merged_places;
}

EmbeddingCopyImpl::EmbeddingCopyImpl(const TokenEmbeddingImpl& base) {
  weight = register_parameter("weight", trainable_copy(base.dense_weight()));
}

Tensor EmbeddingCopyImpl::rows(const Tensor& ids, const Tensor& base_rows) const {
  return as_dtype_of(at::embedding(weight, ids), base_rows);
}

Tensor EmbeddingCopyImpl::whole(const Tensor&) const {
  return weight;
}

Tensor EmbeddingCopyImpl::unfold(const Tensor& merged) const {
  return merged;
}

TrainableTokensImpl::TrainableTokensImpl(const TokenEmbeddingImpl& base,
                                         const std::vector<std::int64_t>& token_indices) {
  for (const auto id : token_indices) {
    TORCH_CHECK(id >= 0 && id < base.vocab_size(), "trainable_token_indices: no token ", id);
  }
  torch::NoGradGuard no_grad;
  indices_ = at::tensor(token_indices, at::kLong).to(base.adapter_options().device());
  original_ = base.base_rows(indices_).clone();
  trainable_tokens_delta = register_parameter("trainable_tokens_delta", trainable_copy(original_));
}

Tensor TrainableTokensImpl::rows(const Tensor& ids, const Tensor& base_rows) const {
  // Which of the new rows, if any, each token takes. [N, n]
  const auto taken = ids.unsqueeze(1).eq(indices_);
  const auto fresh =
      at::matmul(taken.to(trainable_tokens_delta.scalar_type()), trainable_tokens_delta);
  return at::where(taken.any(1, /*keepdim=*/true), as_dtype_of(fresh, base_rows), base_rows);
}

Tensor TrainableTokensImpl::whole(const Tensor& base) const {
  return base.to(trainable_tokens_delta.scalar_type())
      .index_copy(0, indices_, trainable_tokens_delta);
}

Tensor TrainableTokensImpl::unfold(const Tensor& merged) const {
  return merged.index_copy(0, indices_, original_.to(merged.scalar_type()));
}

}  // namespace hone
