#include <ATen/ATen.h>
#include <torch/types.h>

#include <hone/kernels/rms_norm.h>
#include <hone/kernels/swiglu.h>
#include <hone/layers.h>
#include <hone/trainable.h>

namespace hone {

NormImpl::NormImpl(std::int64_t size, NormType type, double eps) : type_(type), eps_(eps) {
  weight = register_parameter("weight", torch::ones({size}));
  if (type == NormType::kLayerNorm) bias = register_parameter("bias", torch::zeros({size}));
}

Tensor NormImpl::forward(const Tensor& x) {
  switch (type_) {
    case NormType::kRms:
      return kernels::rms_norm(x, as_dtype_of(weight, x), eps_);
    case NormType::kRmsPlusOne:
      return kernels::rms_norm(x, as_dtype_of(weight, x) + 1, eps_);
    case NormType::kLayerNorm:
      break;
  }
  return at::layer_norm(x, {x.size(-1)}, as_dtype_of(weight, x), as_dtype_of(bias, x), eps_);
}

Tensor activate(const Tensor& x, Activation activation) {
  if (activation == Activation::kSilu) return at::silu(x);
  return at::gelu(x, activation == Activation::kGelu ? "none" : "tanh");
}

FeedForwardImpl::FeedForwardImpl(const CausalLMConfig& config) : activation_(config.hidden_act) {
  const auto names = names_of(config);
  const auto hidden = config.hidden_size, inner = config.intermediate_size;
  const auto add = [&](const std::string& name, std::int64_t in, std::int64_t out) {
    return register_module(name, Projection(in, out, config.mlp_bias));
  };
  if (config.fused_mlp) {
    gate_up_proj = add(names.gate_up, hidden, 2 * inner);
  } else {
    if (config.gated_mlp) gate_proj = add("gate_proj", hidden, inner);
    up_proj = add(names.up, hidden, inner);
  }
  down_proj = add(names.down, inner, hidden);
}

Tensor FeedForwardImpl::forward(const Tensor& x) {
  if (gate_proj.is_empty() && gate_up_proj.is_empty())
    return down_proj(activate(up_proj(x), activation_));
  Tensor gate, up;
  if (gate_up_proj.is_empty()) {
    gate = gate_proj(x);
    up = up_proj(x);
  } else {
    const auto both = gate_up_proj(x).chunk(2, -1);
    gate = both[0].contiguous();
    up = both[1].contiguous();
  }
  return down_proj(activation_ == Activation::kSilu ? kernels::swiglu(gate, up)
                                                    : activate(gate, activation_) * up);
}

}  // namespace hone
