#include <cmath>
#include <numbers>
#include <utility>

#include <ATen/ATen.h>
#include <torch/types.h>

#include <hone/kernels/rms_norm.h>
#include <hone/kernels/swiglu.h>
#include <hone/layers.h>

namespace hone {
namespace {

/// The llama3 rule: long wavelengths are divided by `factor`, short ones stay, those between are
/// blended.
Tensor stretch_llama3(const Tensor& frequencies, const RopeScaling& scaling) {
  const auto original = static_cast<double>(scaling.original_max_position_embeddings);
  const auto wavelength = 2 * std::numbers::pi / frequencies;
  const auto blend = (original / wavelength - scaling.low_freq_factor) /
                     (scaling.high_freq_factor - scaling.low_freq_factor);
  const auto blended = (1 - blend) * frequencies / scaling.factor + blend * frequencies;
  auto result = at::where(wavelength > original / scaling.low_freq_factor,
                          frequencies / scaling.factor, frequencies);
  const auto between = (wavelength <= original / scaling.low_freq_factor)
                           .logical_and(wavelength >= original / scaling.high_freq_factor);
  return at::where(between, blended, result);
}

}  // namespace

RMSNormImpl::RMSNormImpl(std::int64_t size, double eps) : eps_(eps) {
  weight = register_parameter("weight", torch::ones({size}));
}

Tensor RMSNormImpl::forward(const Tensor& x) {
  return kernels::rms_norm(x, weight, eps_);
}

RotaryTable::RotaryTable(std::int64_t head_dim, double theta, RopeScaling scaling) {
  const auto exponents =
      at::arange(0, head_dim, 2, at::kLong).to(at::kFloat) / static_cast<double>(head_dim);
  inverse_frequencies_ = 1.0 / at::pow(theta, exponents);
  if (scaling.rope_type == "linear") inverse_frequencies_ = inverse_frequencies_ / scaling.factor;
  if (scaling.rope_type == "llama3") {
    inverse_frequencies_ = stretch_llama3(inverse_frequencies_, scaling);
  }
}

std::pair<Tensor, Tensor> RotaryTable::at_positions(const Tensor& positions) const {
  const auto angles = positions.to(at::kFloat).unsqueeze(1) *
                      inverse_frequencies_.to(positions.device()).unsqueeze(0);
  return {angles.cos(), angles.sin()};
}

GatedFeedForwardImpl::GatedFeedForwardImpl(std::int64_t hidden_size,
                                           std::int64_t intermediate_size,
                                           bool with_bias) {
  gate_proj = register_module("gate_proj", Projection(hidden_size, intermediate_size, with_bias));
  up_proj = register_module("up_proj", Projection(hidden_size, intermediate_size, with_bias));
  down_proj = register_module("down_proj", Projection(intermediate_size, hidden_size, with_bias));
}

Tensor GatedFeedForwardImpl::forward(const Tensor& x) {
  return down_proj(kernels::swiglu(gate_proj(x), up_proj(x)));
}

}  // namespace hone
