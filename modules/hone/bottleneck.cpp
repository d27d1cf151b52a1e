#include <algorithm>
#include <cmath>
#include <stdexcept>

#include <ATen/ATen.h>
#include <torch/nn/init.h>
#include <torch/types.h>

#include <hone/bottleneck.h>
#include <hone/trainable.h>

namespace hone {
namespace {

std::string activation_of(const BottleneckConfig& config) {
  if (!config.non_linearity.empty()) return config.non_linearity;
  return config.kind == "houlsby" ? "swish" : "relu";
}

double scaling_of(const BottleneckConfig& config) {
  if (config.scaling != 0) return config.scaling;
  return config.kind == "parallel" ? 4 : 1;
}

}  // namespace

void validate(const BottleneckConfig& config) {
  if (config.kind != "houlsby" && config.kind != "pfeiffer" && config.kind != "parallel")
    throw std::invalid_argument("kind must be houlsby, pfeiffer or parallel");
  if (!std::isfinite(config.reduction_factor) || config.reduction_factor <= 0)
    throw std::invalid_argument("reduction_factor must be positive");
  const auto name = activation_of(config);
  if (name != "relu" && name != "swish" && name != "gelu")
    throw std::invalid_argument("non_linearity must be relu, swish or gelu");
  if (!std::isfinite(config.scaling)) throw std::invalid_argument("scaling must be finite");
}

BottleneckImpl::BottleneckImpl(std::int64_t hidden_size,
                               const BottleneckConfig& config,
                               const at::TensorOptions& options)
    : activation_(activation_of(config)),
      scaling_(scaling_of(config)),
      parallel_(config.kind == "parallel") {
  const auto inner = std::max<std::int64_t>(
      1, std::llround(static_cast<double>(hidden_size) / config.reduction_factor));
  adapter_down = register_module("adapter_down", torch::nn::Linear(hidden_size, inner));
  adapter_up = register_module("adapter_up", torch::nn::Linear(inner, hidden_size));
  torch::nn::init::zeros_(adapter_up->weight);
  torch::nn::init::zeros_(adapter_up->bias);
  torch::nn::init::zeros_(adapter_down->bias);
  to(options.device(), at::typeMetaToScalarType(options.dtype()));
}

Tensor BottleneckImpl::forward(const Tensor& given, const Tensor& out) {
  const auto linear = [](const torch::nn::Linear& layer, const Tensor& z) {
    return at::linear(z, as_dtype_of(layer->weight, z), as_dtype_of(layer->bias, z));
  };
  auto inner = linear(adapter_down, parallel_ ? given : out);
  if (activation_ == "swish") {
    inner = at::silu(inner);
  } else {
    inner = activation_ == "gelu" ? at::gelu(inner) : at::relu(inner);
  }
  return out + linear(adapter_up, inner) * scaling_;
}

}  // namespace hone
