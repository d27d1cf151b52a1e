// A linear layer with a slot for adapters: where a low-rank, scaling or rotating adapter changes a
// model.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <hone/adapter_slot.h>
#include <hone/kernels/packed_weight.h>
#include <hone/shapes.h>

namespace hone {

class ProjectionImpl;

/// A layer's weight and bias with an adapter folded in or taken out, in at least fp32.
struct FoldedWeights {
  Tensor weight;  ///< [out, in]
  Tensor bias;    ///< [out]; undefined where the layer has none
};

/// Changes what a projection computes: y = output(W input(x) + b, x). Owns only its own parameters,
/// which carry the names that PEFT gives them in a file.
class ProjectionAdapter : public torch::nn::Module {
 public:
  /// What the layer is given instead of `x`: [..., in] to [..., in].
  virtual Tensor input(const Tensor& x) const { return x; }

  /// What becomes of the layer's output. `y` = `base.linear(input(x))`: [..., out], may be changed
  /// in place; `x`: [..., in], what came in. Returns [..., out].
  virtual Tensor output(Tensor y, const Tensor& x, const ProjectionImpl& base) const {
    static_cast<void>(x), static_cast<void>(base);
    return y;
  }

  /// Why no plain layer computes the same; empty where one does.
  virtual std::string merge_obstacle(const ProjectionImpl& base) const {
    static_cast<void>(base);
    return {};
  }

  /// The weights of a plain layer that computes the same. Throws `c10::Error` where there is none.
  virtual FoldedWeights fold(const ProjectionImpl& base) const = 0;

  /// The inverse of `fold`, for a layer that holds its result. Throws `c10::Error` where `fold`
  /// lost something.
  virtual FoldedWeights unfold(const ProjectionImpl& merged) const = 0;
};

/// An adapter that adds to the weight: W + D.
class AdditiveAdapter : public ProjectionAdapter {
 public:
  /// D: [out, in], in at least fp32.
  virtual Tensor weight_delta() const = 0;

  FoldedWeights fold(const ProjectionImpl& base) const override;
  FoldedWeights unfold(const ProjectionImpl& merged) const override;
  std::string merge_obstacle(const ProjectionImpl& base) const override;

 protected:
  /// What is added to the bias as well: [out], or undefined.
  virtual Tensor bias_delta() const { return {}; }
};

/// y = x W^T + b, with named adapters of which at most one is active, for the whole batch or for
/// each row of it.
///
/// Adapter parameters are registered as `adapters.<name>.<parameter>` below the projection.
class ProjectionImpl : public torch::nn::Module, public AdapterHost {
 public:
  /// Allocates without initialising: a projection is filled by loading or by `reset_parameters`.
  ProjectionImpl(std::int64_t in_features, std::int64_t out_features, bool with_bias);

  /// Shares existing tensors: `shared_weight` [out, in], `shared_bias` [out] or undefined.
  ProjectionImpl(Tensor shared_weight, Tensor shared_bias);

  /// `x`: [..., in]. Returns [..., out]: through the active adapter, or the plain layer where there
  /// is none, where adapters are switched off, or where the active one is merged into the weight.
  Tensor forward(const Tensor& x);

  /// The layer without any adapter.
  Tensor linear(const Tensor& x) const;

  /// x W^T, without adapter and bias; `x`: [..., in].
  Tensor product(const Tensor& x) const;

  std::int64_t in_features() const { return packed ? packed->columns() : weight.size(1); }
  std::int64_t out_features() const { return packed ? packed->rows() : weight.size(0); }

  /// Computes with `matrix` from now on, which stays packed; `weight` is given up. Throws
  /// `c10::Error` for another shape, or where there are adapters already.
  void pack(std::shared_ptr<const kernels::PackedWeight> matrix);

  /// W as a tensor without a gradient, expanded where it is packed: [out, in].
  Tensor dense_weight() const { return packed ? packed->dequantize(at::kFloat) : weight.detach(); }

  /// Options of the tensors that an adapter of this layer trains; see `trainable_options`.
  at::TensorOptions adapter_options() const;

  /// Adds `adapter` under `name` and makes it the active one. Throws `c10::Error` where the name is
  /// taken.
  void add_adapter(const std::string& name, std::shared_ptr<ProjectionAdapter> adapter);
  bool holds_adapter(const std::string& name) const override { return slot_.find(name) != nullptr; }
  void remove_adapter(const std::string& name) override;
  /// Makes `name` active in everything that shares this projection's switch; a name that is not
  /// known switches all off.
  void set_active(const std::string& name);
  /// The adapter `name`, or null.
  std::shared_ptr<ProjectionAdapter> find_adapter(const std::string& name) const {
    return slot_.find(name);
  }
  /// The active adapter, or null where there is none, it is merged, or adapters are off.
  ProjectionAdapter* active_adapter() const { return merged_ ? nullptr : slot_.active(); }

  void share(const std::shared_ptr<AdapterSwitch>& adapters) override { slot_.share(adapters); }
  const std::shared_ptr<AdapterSwitch>& adapter_switch() const override {
    return slot_.adapter_switch();
  }

  /// The weights with the active adapter folded in, computed in at least fp32 and rounded once to
  /// `dtype`.
  FoldedWeights folded(at::ScalarType dtype) const;

  void merge() override;
  void unmerge() override;
  std::string merge_obstacle() const override;
  bool merged() const { return merged_ != nullptr; }

  Tensor weight;                                        ///< [out, in]; undefined where it is packed
  std::shared_ptr<const kernels::PackedWeight> packed;  ///< instead of `weight`, or null
  Tensor bias;  ///< [out]; undefined where the layer has none

 private:
  Tensor forward_segments(const Tensor& x) const;
  void replace_weights(const FoldedWeights& with);

  AdapterSlot<ProjectionAdapter> slot_;
  ProjectionAdapter* merged_ = nullptr;  // the one that is folded in
};
TORCH_MODULE(Projection);

/// Every projection below `model`, with its dotted name, in registration order.
std::vector<std::pair<std::string, Projection>> named_projections(const torch::nn::Module& model);

}  // namespace hone
