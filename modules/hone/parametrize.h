// LoRA for a model whose code cannot change: its layers' weights are recomputed before each forward
// pass.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <hone/lora.h>

namespace hone {

/// A low-rank update on the weights of some layers of a foreign module.
///
/// A LibTorch layer computes with its member `weight`, not with what is registered under that name.
/// So W + s B A, made of A and B with a gradient, is put there before each forward pass, and W
/// itself afterwards. Unlike `LoRALinear`, which never builds it, this takes memory for the sum of
/// each adapted weight; in exchange it works for convolutions and for any `forward`.
class ParametrizationImpl : public torch::nn::Module {
 public:
  /// As `parametrize`.
  ParametrizationImpl(torch::nn::Module& module,
                      const std::vector<std::string>& patterns,
                      const LoraConfig& config);

  /// Runs `forward` with the adapted weights in place, and returns what it does:
  ///
  ///     auto loss = parametrized->with_weights([&] { return mse_loss(model(x), y); });
  ///
  /// Gradients go to A and B through what was computed inside.
  template <typename Forward>
  auto with_weights(Forward&& forward) {
    const Scope scope(*this);
    return std::forward<Forward>(forward)();
  }

  /// Folds the updates into the layers' weights for good, without a trace of the adapter.
  void merge();

  /// The names of the adapted layers, in registration order.
  const std::vector<std::string>& layers() const { return names_; }

 private:
  struct Site {
    Tensor* place;  // the layer's member
    Tensor weight;  // W
    Tensor lora_A;  // [R, in * kernel]
    Tensor lora_B;  // [out, R]
    double scale;
    Tensor adapted() const;
  };
  /// Puts the adapted weights in place for its life.
  class Scope {
   public:
    explicit Scope(ParametrizationImpl& owner);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    ParametrizationImpl& owner_;
  };

  std::vector<std::string> names_;
  std::vector<Site> sites_;
};
TORCH_MODULE(Parametrization);

/// Adapts every `torch::nn::Linear`, `Conv1d`, `Conv2d` and `Conv3d` below `module` whose dotted
/// name is one of `patterns`, ends in it behind a dot, or matches it as a regular expression. `r`,
/// `lora_alpha` and `use_rslora` of `config` count. The module's own parameters are frozen; A and B
/// are the parameters of what is returned. Throws `std::invalid_argument` where a pattern means no
/// such layer.
Parametrization parametrize(torch::nn::Module& module,
                            const std::vector<std::string>& patterns,
                            const LoraConfig& config = {});

}  // namespace hone
