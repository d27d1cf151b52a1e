// A linear layer with slots for adapters: the one place where a low-rank or scaling adapter changes
// a model.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <hone/shapes.h>

namespace hone {

class ProjectionImpl;

/// Changes what a projection computes. Owns only its own parameters.
class ProjectionAdapter : public torch::nn::Module {
 public:
  /// `x`: [..., in]. Returns [..., out]. May call `base.linear(x)` and read `base.weight`.
  virtual Tensor forward(const Tensor& x, const ProjectionImpl& base) = 0;

  /// What folding this adapter in adds to `base.weight`, [out, in], in at least fp32; nothing where
  /// the adapter is not linear.
  virtual std::optional<Tensor> weight_delta(const ProjectionImpl& base) const = 0;
};

/// y = x W^T + b, with named adapters of which at most one is active.
///
/// Adapter parameters are registered as `adapters.<name>.<parameter>` below the projection.
class ProjectionImpl : public torch::nn::Module {
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

  std::int64_t in_features() const { return weight.size(1); }
  std::int64_t out_features() const { return weight.size(0); }

  /// Adds `adapter` under `name` and makes it the active one. Throws `c10::Error` where the name is
  /// taken.
  void add_adapter(const std::string& name, std::shared_ptr<ProjectionAdapter> adapter);
  /// Removes the adapter `name` if it is there; an active one leaves the layer without an active
  /// adapter.
  void remove_adapter(const std::string& name);
  /// Makes `name` active if this projection has it; otherwise none is.
  void set_active(const std::string& name);
  /// The adapter `name`, or null.
  std::shared_ptr<ProjectionAdapter> find_adapter(const std::string& name) const;
  /// The active adapter, or null.
  std::shared_ptr<ProjectionAdapter> active_adapter() const { return find_adapter(active_); }

  /// Whether adapters take part; `AdaptersOff` switches it.
  void set_adapters_enabled(bool enabled) { enabled_ = enabled; }
  bool adapters_enabled() const { return enabled_; }

  /// W plus what the active adapter adds, computed in at least fp32 and rounded once to `dtype`.
  /// [out, in].
  Tensor merged_weight(at::ScalarType dtype) const;

  /// Folds the active adapter into `weight` in place, so that `forward` is the plain layer;
  /// `unmerge` takes it out again, exact to rounding. Each does nothing where it is done already.
  /// Throws `c10::Error` for an adapter that is not linear.
  void merge();
  void unmerge();
  bool merged() const { return merged_; }

  Tensor weight;  ///< [out, in]
  Tensor bias;    ///< [out]; undefined where the layer has none

 private:
  void add_delta(double sign);

  std::map<std::string, std::shared_ptr<ProjectionAdapter>> adapters_;
  std::shared_ptr<torch::nn::Module> adapters_node_;  // carries the name `adapters`
  std::string active_;
  bool enabled_ = true;
  bool merged_ = false;
};
TORCH_MODULE(Projection);

/// Every projection below `model`, with its dotted name, in registration order.
std::vector<std::pair<std::string, Projection>> named_projections(const torch::nn::Module& model);

/// For the life of this object the model computes as its base: the reference policy without a
/// second copy.
///
/// Nested scopes restore what they found.
class AdaptersOff {
 public:
  explicit AdaptersOff(const torch::nn::Module& model);
  ~AdaptersOff();
  AdaptersOff(const AdaptersOff&) = delete;
  AdaptersOff& operator=(const AdaptersOff&) = delete;

 private:
  std::vector<Projection> switched_;
};

}  // namespace hone
