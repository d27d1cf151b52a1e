// The embedding of token ids, with a slot for adapters.
#pragma once

#include <memory>
#include <string>

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <hone/adapter_slot.h>
#include <hone/kernels/packed_weight.h>
#include <hone/shapes.h>

namespace hone {

/// Changes the rows that an embedding gives. Owns only its own parameters.
class EmbeddingAdapter : public torch::nn::Module {
 public:
  /// The rows of the changed matrix at `ids`. `ids`: [N], int64; `base_rows`: [N, D], those of the
  /// base. Returns [N, D] in their dtype.
  virtual Tensor rows(const Tensor& ids, const Tensor& base_rows) const = 0;

  /// The whole changed matrix, [V, D], in at least fp32.
  virtual Tensor whole(const Tensor& weight) const = 0;

  /// The inverse of `whole`; not asked of an adapter that `replaces_whole`.
  virtual Tensor unfold(const Tensor& merged) const = 0;

  /// Whether nothing of the base is left in the result.
  virtual bool replaces_whole() const { return false; }

  /// Whether a head that shares its matrix with the embedding is changed as well.
  virtual bool changes_tied_head() const { return false; }
};

/// A matrix whose rows are looked up by token id.
class TokenEmbeddingImpl : public torch::nn::Module, public AdapterHost {
 public:
  TokenEmbeddingImpl(std::int64_t vocab_size, std::int64_t hidden_size);

  /// `ids`: [N], int64. Returns [N, D], through the active adapter where there is one.
  Tensor forward(const Tensor& ids) const;

  void add_adapter(const std::string& name, std::shared_ptr<EmbeddingAdapter> adapter);
  bool holds_adapter(const std::string& name) const override { return slot_.find(name) != nullptr; }
  void remove_adapter(const std::string& name) override;
  std::shared_ptr<EmbeddingAdapter> find_adapter(const std::string& name) const {
    return slot_.find(name);
  }
  /// The active adapter, or null where there is none, it is merged, or adapters are off.
  EmbeddingAdapter* active_adapter() const { return merged_ ? nullptr : slot_.active(); }

  void share(const std::shared_ptr<AdapterSwitch>& adapters) override { slot_.share(adapters); }
  const std::shared_ptr<AdapterSwitch>& adapter_switch() const override {
    return slot_.adapter_switch();
  }
  void merge() override;
  void unmerge() override;

  std::int64_t vocab_size() const { return packed ? packed->rows() : weight.size(0); }
  std::int64_t hidden_size() const { return packed ? packed->columns() : weight.size(1); }

  /// Looks up in `matrix` from now on, which stays packed, and gives rows in `dtype`; `weight` is
  /// given up.
  void pack(std::shared_ptr<const kernels::PackedWeight> matrix, at::ScalarType dtype);

  /// The matrix as a tensor without a gradient, expanded where it is packed: [V, D].
  Tensor dense_weight() const { return packed ? packed->dequantize(at::kFloat) : weight.detach(); }

  /// The rows at `ids` without any adapter: [N, D].
  Tensor base_rows(const Tensor& ids) const;

  /// Options of the tensors that an adapter of this layer trains; see `trainable_options`.
  at::TensorOptions adapter_options() const;

  Tensor weight;                                        ///< [V, D]; undefined where it is packed
  std::shared_ptr<const kernels::PackedWeight> packed;  ///< instead of `weight`, or null

 private:
  at::ScalarType packed_dtype_ = at::kFloat;
  AdapterSlot<EmbeddingAdapter> slot_;
  EmbeddingAdapter* merged_ = nullptr;
  Tensor replaced_;  // the base's matrix while one that replaces it is folded in
};
TORCH_MODULE(TokenEmbedding);

/// A whole copy of the matrix that the adapter trains (PEFT's `modules_to_save`).
class EmbeddingCopyImpl : public EmbeddingAdapter {
 public:
  explicit EmbeddingCopyImpl(const TokenEmbeddingImpl& base);
  Tensor rows(const Tensor& ids, const Tensor& base_rows) const override;
  Tensor whole(const Tensor& base) const override;
  Tensor unfold(const Tensor& merged) const override;
  bool replaces_whole() const override { return true; }

  Tensor weight;  ///< [V, D]
};
TORCH_MODULE(EmbeddingCopy);

/// New rows for some tokens (PEFT's `trainable_token_indices`). A head that is the same matrix gets
/// them too.
class TrainableTokensImpl : public EmbeddingAdapter {
 public:
  /// `token_indices`: [n], each once. Starts as the base's rows. Throws `c10::Error` for an id that
  /// the base lacks.
  TrainableTokensImpl(const TokenEmbeddingImpl& base,
                      const std::vector<std::int64_t>& token_indices);
  Tensor rows(const Tensor& ids, const Tensor& base_rows) const override;
  Tensor whole(const Tensor& base) const override;
  Tensor unfold(const Tensor& merged) const override;
  bool changes_tied_head() const override { return true; }

  Tensor trainable_tokens_delta;  ///< [n, D]: the rows themselves, in spite of the name in the file

 private:
  Tensor indices_;   // [n]
  Tensor original_;  // [n, D]
};
TORCH_MODULE(TrainableTokens);

}  // namespace hone
