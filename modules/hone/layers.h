// The small layers of a decoder: normalisation, rotary positions, gated feed-forward.
#pragma once

#include <optional>

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <hone/projection.h>

namespace hone {

/// y = x / sqrt(mean(x^2) + eps) * weight over the last dimension.
class RMSNormImpl : public torch::nn::Module {
 public:
  RMSNormImpl(std::int64_t size, double eps);

  /// `x`: [..., D]. Returns [..., D].
  Tensor forward(const Tensor& x);

  Tensor weight;  ///< [D]

 private:
  double eps_;
};
TORCH_MODULE(RMSNorm);

/// How rotary frequencies are stretched beyond the trained context; `factor` and the rest as in
/// config.json.
struct RopeScaling {
  std::string rope_type = "default";  ///< `default`, `linear` or `llama3`
  double factor = 1;                  ///< how many times longer than trained
  double low_freq_factor = 1;  ///< llama3: wavelengths above original / low are divided by `factor`
  double high_freq_factor = 4;  ///< llama3: wavelengths below original / high stay
  std::int64_t original_max_position_embeddings = 8192;  ///< llama3: the trained context, tokens

  bool operator==(const RopeScaling&) const = default;
};

/// cos and sin of every position and channel: angle(p, i) = p * theta^(-2i/d), stretched as
/// `scaling` says.
class RotaryTable {
 public:
  RotaryTable(std::int64_t head_dim, double theta, RopeScaling scaling);

  /// `positions`: [N], int64. Returns cos and sin, each [N, d/2], fp32.
  std::pair<Tensor, Tensor> at_positions(const Tensor& positions) const;

 private:
  Tensor inverse_frequencies_;  // [d/2], fp32, as transformers computes them
};

/// down(silu(gate(x)) * up(x)).
class GatedFeedForwardImpl : public torch::nn::Module {
 public:
  GatedFeedForwardImpl(std::int64_t hidden_size, std::int64_t intermediate_size, bool with_bias);

  /// `x`: [N, D]. Returns [N, D].
  Tensor forward(const Tensor& x);

  Projection gate_proj{nullptr}, up_proj{nullptr}, down_proj{nullptr};
};
TORCH_MODULE(GatedFeedForward);

}  // namespace hone
