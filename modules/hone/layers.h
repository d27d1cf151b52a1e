// The small layers of a decoder: normalisation and feed-forward.
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <hone/causal_lm_config.h>
#include <hone/projection.h>

namespace hone {

/// Normalises the last dimension as `NormType` says; `eps` is added to the mean square or the
/// variance.
class NormImpl : public torch::nn::Module {
 public:
  NormImpl(std::int64_t size, NormType type, double eps);

  /// `x`: [..., D]. Returns [..., D].
  Tensor forward(const Tensor& x);

  Tensor weight;  ///< [D]
  Tensor bias;    ///< [D]; undefined but for a layer norm

 private:
  NormType type_;
  double eps_;
};
TORCH_MODULE(Norm);

/// The nonlinearity `activation` of `x`, any shape.
Tensor activate(const Tensor& x, Activation activation);

/// down(act(gate(x)) * up(x)), or down(act(up(x))) where it is not gated.
class FeedForwardImpl : public torch::nn::Module {
 public:
  explicit FeedForwardImpl(const CausalLMConfig& config);

  /// `x`: [N, D]. Returns [N, D].
  Tensor forward(const Tensor& x);

  Projection gate_proj{nullptr}, up_proj{nullptr};  ///< `gate_proj` is empty where it is not gated
  Projection gate_up_proj{
      nullptr};  ///< both in one matrix, gate first; the two above are empty then
  Projection down_proj{nullptr};

 private:
  Activation activation_;
};
TORCH_MODULE(FeedForward);

}  // namespace hone
