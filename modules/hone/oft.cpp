#include <stdexcept>

#include <ATen/ATen.h>
#include <torch/types.h>

#include <hone/oft.h>
#include <hone/trainable.h>

namespace hone {

void validate(const OftConfig& config) {
  if (config.oft_block_size < 2) throw std::invalid_argument("oft_block_size must be at least 2");
  if (config.num_cayley_neumann_terms < 4)
    throw std::invalid_argument("num_cayley_neumann_terms must be at least 4");
  if (config.target_modules.empty())
    throw std::invalid_argument("target_modules must name at least one module");
}

OftImpl::OftImpl(const ProjectionImpl& base, const OftConfig& config)
    : size_(config.oft_block_size),
      terms_(config.num_cayley_neumann_terms),
      exact_(!config.use_cayley_neumann) {
  TORCH_CHECK(base.in_features() % size_ == 0, "oft_block_size ", size_,
              " does not divide the layer's width ", base.in_features());
  const auto node = register_module("oft_R", std::make_shared<torch::nn::Module>());
  oft_R = node->register_parameter(
      "weight",
      torch::zeros({base.in_features() / size_, size_ * (size_ - 1) / 2}, base.adapter_options()));
}

/// The rotation of each block, [blocks, n, n]: I + 2 Q + 2 Q^2 + ..., the last term once, or
/// exactly (I - Q)(I + Q)^-1 (PEFT's sign in that form).
Tensor OftImpl::rotations() const {
  const auto places = at::triu_indices(size_, size_, 1, at::kLong).to(oft_R.device());
  const auto blocks = oft_R.size(0);
  const auto flat = places[0] * size_ + places[1];
  const auto upper = at::zeros({blocks, size_ * size_}, oft_R.options().requires_grad(false))
                         .index_copy(1, flat, oft_R)
                         .view({blocks, size_, size_});
  const auto skew = upper - upper.transpose(1, 2);
  const auto identity = at::eye(size_, skew.options()).expand_as(skew);
  if (exact_) return at::linalg_solve(identity + skew, identity - skew, /*left=*/false);
  auto power = at::matmul(skew, skew);
  auto rotation = identity + skew * 2 + power * 2;
  for (std::int64_t term = 3; term < terms_ - 1; ++term) {
    power = at::matmul(power, skew);
    rotation = rotation + power * 2;
  }
  return rotation + at::matmul(power, skew);
}

Tensor OftImpl::input(const Tensor& x) const {
  // One product for each block over all rows; the other order would copy every block for every row.
  const auto blocks = x.reshape({-1, oft_R.size(0), size_}).transpose(0, 1);
  return at::bmm(blocks, as_dtype_of(rotations(), x)).transpose(0, 1).reshape(x.sizes());
}

/// W with each block of columns times the transpose of that block's matrix.
FoldedWeights OftImpl::rotated(const ProjectionImpl& layer, const Tensor& blocks) const {
  const auto weight = as_dtype_of(layer.dense_weight(), blocks);
  const auto cut = weight.view({weight.size(0), oft_R.size(0), size_}).transpose(0, 1);
  return {at::bmm(cut, blocks.transpose(1, 2)).transpose(0, 1).reshape(weight.sizes()), layer.bias};
}

FoldedWeights OftImpl::fold(const ProjectionImpl& base) const {
  torch::NoGradGuard no_grad;
  return rotated(base, rotations());
}

FoldedWeights OftImpl::unfold(const ProjectionImpl& merged) const {
  torch::NoGradGuard no_grad;
  return rotated(merged, at::linalg_inv(rotations().to(at::kDouble)).to(oft_R.scalar_type()));
}

}  // namespace hone
