#include <stdexcept>

#include <ATen/ATen.h>
#include <torch/types.h>

#include <hone/adalora.h>
#include <hone/trainable.h>

namespace hone {

void validate(const AdaLoraConfig& config) {
  if (config.init_r < 1) throw std::invalid_argument("init_r must be at least 1");
  if (config.lora_dropout < 0 || config.lora_dropout >= 1)
    throw std::invalid_argument("lora_dropout must be in [0, 1)");
  if (config.target_modules.empty())
    throw std::invalid_argument("target_modules must name at least one module");
}

AdaLoraImpl::AdaLoraImpl(const ProjectionImpl& base, const AdaLoraConfig& config)
    : dropout_(config.lora_dropout) {
  const auto r = config.init_r;
  // The constant keeps PEFT from dividing by a rank of zero; files are made with it.
  scale_ = (config.lora_alpha > 0 ? config.lora_alpha : static_cast<double>(r)) /
           (static_cast<double>(r) + 1e-5);
  const auto options = base.adapter_options();
  lora_A = register_parameter("lora_A", torch::randn({r, base.in_features()}, options) * 0.02);
  lora_E = register_parameter("lora_E", torch::zeros({r, 1}, options));
  lora_B = register_parameter("lora_B", torch::randn({base.out_features(), r}, options) * 0.02);
}

Tensor AdaLoraImpl::output(Tensor y, const Tensor& x, const ProjectionImpl&) const {
  const bool drops = dropout_ > 0 && is_training();
  const auto in = drops ? at::dropout(x, dropout_, /*train=*/true) : x;
  const auto low = at::linear(in, as_dtype_of(lora_A * lora_E, x));
  auto rows = y.view({-1, y.size(-1)});
  rows.addmm_(low.reshape({-1, low.size(-1)}), as_dtype_of(lora_B, x).t(), 1, scale_);
  return y;
}

Tensor AdaLoraImpl::weight_delta() const {
  torch::NoGradGuard no_grad;
  return at::matmul(lora_B, lora_A * lora_E) * scale_;
}

}  // namespace hone
