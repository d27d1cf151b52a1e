#include <utility>

#include <ATen/ATen.h>
#include <torch/types.h>

#include <hone/kernels/packed_linear.h>
#include <hone/projection.h>
#include <hone/trainable.h>

namespace hone {
namespace {

/// `base` plus `sign` times `delta`, in the dtype of `delta`; undefined where `base` is.
Tensor shifted(const Tensor& base, const Tensor& delta, double sign) {
  if (!delta.defined()) return base.defined() ? base.detach() : base;
  TORCH_CHECK(base.defined(), "the adapter has a bias and the layer has none");
  return base.detach().to(delta.scalar_type()).add(delta, sign);
}

}  // namespace

FoldedWeights AdditiveAdapter::fold(const ProjectionImpl& base) const {
  return {shifted(base.dense_weight(), weight_delta(), 1), shifted(base.bias, bias_delta(), 1)};
}

FoldedWeights AdditiveAdapter::unfold(const ProjectionImpl& merged) const {
  return {shifted(merged.weight, weight_delta(), -1), shifted(merged.bias, bias_delta(), -1)};
}

std::string AdditiveAdapter::merge_obstacle(const ProjectionImpl& base) const {
  return bias_delta().defined() && !base.bias.defined()
             ? "the adapter has a bias and the layer has none"
             : "";
}

ProjectionImpl::ProjectionImpl(std::int64_t in_features,
                               std::int64_t out_features,
                               bool with_bias) {
  weight = register_parameter("weight", torch::empty({out_features, in_features}));
  if (with_bias) bias = register_parameter("bias", torch::empty({out_features}));
}

ProjectionImpl::ProjectionImpl(Tensor shared_weight, Tensor shared_bias) {
  expect_shape(shared_weight, {kAnySize, kAnySize}, "weight");
  weight = register_parameter("weight", std::move(shared_weight), /*requires_grad=*/false);
  if (!shared_bias.defined()) return;
  expect_shape(shared_bias, {weight.size(0)}, "bias");
  bias = register_parameter("bias", std::move(shared_bias), /*requires_grad=*/false);
}

Tensor ProjectionImpl::forward(const Tensor& x) {
  if (slot_.empty()) return linear(x);
  if (!slot_.adapter_switch()->segments().empty()) return forward_segments(x);
  const auto* adapter = active_adapter();
  return adapter == nullptr ? linear(x) : adapter->output(linear(adapter->input(x)), x, *this);
}

Tensor ProjectionImpl::linear(const Tensor& x) const {
  // A copy of the weights that an adapter trains is fp32, whatever the base is.
  if (packed) return kernels::packed_linear(x, packed, as_dtype_of(bias, x));
  return at::linear(x, as_dtype_of(weight, x), as_dtype_of(bias, x));
}

Tensor ProjectionImpl::product(const Tensor& x) const {
  return packed ? kernels::packed_linear(x, packed, {}) : at::linear(x, as_dtype_of(weight, x));
}

void ProjectionImpl::pack(std::shared_ptr<const kernels::PackedWeight> matrix) {
  TORCH_CHECK(slot_.empty(), "a layer that holds adapters cannot be packed");
  TORCH_CHECK(matrix->rows() == out_features() && matrix->columns() == in_features(),
              "a packed matrix of ", matrix->rows(), " x ", matrix->columns(),
              " does not fit a layer of ", out_features(), " x ", in_features());
  packed = std::move(matrix);
  weight.reset();
  parameters_.erase("weight");
}

at::TensorOptions ProjectionImpl::adapter_options() const {
  return packed ? at::TensorOptions().dtype(at::kFloat) : trainable_options(weight);
}

Tensor ProjectionImpl::forward_segments(const Tensor& x) const {
  const auto& segments = slot_.adapter_switch()->segments();
  TORCH_CHECK(x.dim() == 2 && x.size(0) == segments.back().first + segments.back().count,
              "adapters for each row: a projection of ", x.sizes(), " is not one of all tokens");
  std::vector<Tensor> parts, inputs;
  bool changed = false;
  for (const auto& segment : segments) {
    const auto* adapter = slot_.at(segment.adapter);
    parts.push_back(x.narrow(0, segment.first, segment.count));
    inputs.push_back(adapter == nullptr ? parts.back() : adapter->input(parts.back()));
    changed = changed || !inputs.back().is_same(parts.back());
  }
  // The large product is computed once for all rows, whatever their adapters.
  const auto y = linear(changed ? at::cat(inputs) : x);
  std::vector<Tensor> outputs;
  bool in_place = true;
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const auto own = y.narrow(0, segments[i].first, segments[i].count);
    const auto* adapter = slot_.at(segments[i].adapter);
    outputs.push_back(adapter == nullptr ? own : adapter->output(own, parts[i], *this));
    in_place = in_place && outputs.back().const_data_ptr() == own.const_data_ptr();
  }
  return in_place ? y : at::cat(outputs);
}

void ProjectionImpl::add_adapter(const std::string& name,
                                 std::shared_ptr<ProjectionAdapter> adapter) {
  TORCH_CHECK(!merged_, "unmerge the active adapter before another is added");
  slot_.add(*this, name, std::move(adapter));
}

void ProjectionImpl::remove_adapter(const std::string& name) {
  if (merged_ != nullptr && slot_.find(name).get() == merged_) unmerge();
  slot_.remove(name);
}

void ProjectionImpl::set_active(const std::string& name) {
  unmerge();
  slot_.adapter_switch()->set_active(name);
}

FoldedWeights ProjectionImpl::folded(at::ScalarType dtype) const {
  const auto* adapter = active_adapter();
  auto result = adapter == nullptr ? FoldedWeights{dense_weight(), bias} : adapter->fold(*this);
  result.weight = result.weight.to(dtype);
  if (result.bias.defined()) result.bias = result.bias.detach().to(dtype);
  return result;
}

std::string ProjectionImpl::merge_obstacle() const {
  const auto* adapter = active_adapter();
  return adapter == nullptr ? std::string() : adapter->merge_obstacle(*this);
}

void ProjectionImpl::replace_weights(const FoldedWeights& with) {
  TORCH_CHECK(!packed, "an adapter cannot be folded into a packed weight in place");
  torch::NoGradGuard no_grad;
  weight.copy_(with.weight);
  if (bias.defined()) bias.copy_(with.bias);
}

void ProjectionImpl::merge() {
  if (merged_ != nullptr || active_adapter() == nullptr) return;
  auto* adapter = active_adapter();
  replace_weights(adapter->fold(*this));
  merged_ = adapter;
  ++slot_.adapter_switch()->merged_places;
}

void ProjectionImpl::unmerge() {
  if (merged_ == nullptr) return;
  replace_weights(merged_->unfold(*this));
  merged_ = nullptr;
  --slot_.adapter_switch()->merged_places;
}

std::vector<std::pair<std::string, Projection>> named_projections(const torch::nn::Module& model) {
  std::vector<std::pair<std::string, Projection>> found;
  for (const auto& item : model.named_modules("", /*include_self=*/false)) {
    if (auto projection = std::dynamic_pointer_cast<ProjectionImpl>(item.value())) {
      found.emplace_back(item.key(), Projection(std::move(projection)));
    }
  }
  return found;
}

}  // namespace hone
