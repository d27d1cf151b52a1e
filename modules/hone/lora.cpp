#include <cmath>
#include <stdexcept>

#include <ATen/ATen.h>
#include <torch/nn/functional/dropout.h>
#include <torch/nn/init.h>
#include <torch/types.h>

#include <hone/lora.h>

namespace hone {
namespace {

void check(bool holds, const char* message) {
  if (!holds) throw std::invalid_argument(message);
}

/// Carries the name `lora_A` or `lora_B` above its one parameter `weight`, as PEFT's files have it.
struct WeightNode : torch::nn::Module {
  explicit WeightNode(Tensor weight) { register_parameter("weight", std::move(weight)); }
};

}  // namespace

void validate(const LoraConfig& config) {
  check(config.r >= 1, "r must be at least 1");
  check(std::isfinite(config.lora_alpha) && config.lora_alpha > 0, "lora_alpha must be positive");
  check(config.lora_dropout >= 0 && config.lora_dropout < 1, "lora_dropout must be in [0, 1)");
  check(!config.target_modules.empty(), "target_modules must name at least one module");
  for (const auto& [name, rank] : config.rank_pattern)
    check(rank >= 1, "rank_pattern: ranks must be at least 1");
}

double lora_scale(const LoraConfig& config, std::int64_t r, double lora_alpha) {
  return lora_alpha /
         (config.use_rslora ? std::sqrt(static_cast<double>(r)) : static_cast<double>(r));
}

LoraImpl::LoraImpl(const ProjectionImpl& base, const LoraConfig& config)
    : scale_(lora_scale(config, config.r, config.lora_alpha)), dropout_(config.lora_dropout) {
  validate(config);
  const auto dtype =
      base.weight.scalar_type() == torch::kFloat64 ? torch::kFloat64 : torch::kFloat32;
  const auto options = base.weight.options().dtype(dtype).requires_grad(false);
  lora_A = torch::empty({config.r, base.in_features()}, options);
  torch::nn::init::kaiming_uniform_(lora_A, std::sqrt(5.0));
  lora_B = torch::zeros({base.out_features(), config.r}, options);
  register_module("lora_A", std::make_shared<WeightNode>(lora_A.requires_grad_()));
  register_module("lora_B", std::make_shared<WeightNode>(lora_B.requires_grad_()));
}

Tensor LoraImpl::forward(const Tensor& x, const ProjectionImpl& base) {
  const auto dropped = dropout_ > 0 && is_training() ? at::dropout(x, dropout_, /*train=*/true) : x;
  const auto low = at::linear(dropped, lora_A.to(x.scalar_type()));  // [..., R]
  auto out = base.linear(x);                                         // [..., out]
  // The product is accumulated onto the base's output in place: no third tensor of that size.
  auto rows = out.view({-1, out.size(-1)});
  rows.addmm_(low.reshape({-1, low.size(-1)}), lora_B.to(x.scalar_type()).t(), 1, scale_);
  return out;
}

std::optional<Tensor> LoraImpl::weight_delta(const ProjectionImpl&) const {
  torch::NoGradGuard no_grad;
  return at::matmul(lora_B, lora_A).mul_(scale_);
}

LoRALinearImpl::LoRALinearImpl(const torch::nn::Linear& linear, const LoraConfig& config) {
  linear->weight.requires_grad_(false);
  if (linear->bias.defined()) linear->bias.requires_grad_(false);
  base = register_module("base", Projection(linear->weight, linear->bias));
  lora = Lora(*base, config);
  base->add_adapter("default", lora.ptr());
}

}  // namespace hone
