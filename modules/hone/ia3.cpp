#include <stdexcept>

#include <ATen/ATen.h>
#include <torch/types.h>

#include <hone/ia3.h>
#include <hone/trainable.h>

namespace hone {

void validate(const Ia3Config& config) {
  if (config.target_modules.empty())
    throw std::invalid_argument("target_modules must name at least one module");
}

Ia3Impl::Ia3Impl(const ProjectionImpl& base, bool scales_input) : scales_input_(scales_input) {
  const auto shape = scales_input ? std::vector<std::int64_t>{1, base.in_features()}
                                  : std::vector<std::int64_t>{base.out_features(), 1};
  ia3_l = register_parameter("ia3_l", torch::ones(shape, base.adapter_options()));
}

Tensor Ia3Impl::input(const Tensor& x) const {
  return scales_input_ ? (x * ia3_l.view(-1)).to(x.scalar_type()) : x;
}

Tensor Ia3Impl::output(Tensor y, const Tensor&, const ProjectionImpl&) const {
  return scales_input_ ? y : (y * ia3_l.view(-1)).to(y.scalar_type());
}

FoldedWeights Ia3Impl::scaled(const ProjectionImpl& layer, const Tensor& factors) const {
  auto bias = layer.bias.defined() ? layer.bias.detach() : layer.bias;
  if (bias.defined() && !scales_input_) bias = bias * factors.view(-1);
  return {layer.dense_weight() * factors, bias};
}

FoldedWeights Ia3Impl::fold(const ProjectionImpl& base) const {
  return scaled(base, ia3_l.detach());
}

FoldedWeights Ia3Impl::unfold(const ProjectionImpl& merged) const {
  const auto factors = ia3_l.detach();
  TORCH_CHECK(factors.ne(0).all().item<bool>(),
              "IA3: a factor is 0, the weight cannot be taken out again");
  return scaled(merged, factors.reciprocal());
}

}  // namespace hone
