#include <utility>

#include <ATen/ATen.h>
#include <torch/types.h>

#include <hone/projection.h>

namespace hone {
namespace {

/// Gives adapters their place in the names of a model; holds nothing itself.
class AdaptersNode : public torch::nn::Module {
 public:
  using torch::nn::Module::register_module;
  using torch::nn::Module::unregister_module;
};

AdaptersNode& as_node(const std::shared_ptr<torch::nn::Module>& node) {
  return static_cast<AdaptersNode&>(*node);
}

}  // namespace

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
  if (enabled_ && !merged_ && !active_.empty()) {
    if (const auto adapter = active_adapter()) return adapter->forward(x, *this);
  }
  return linear(x);
}

Tensor ProjectionImpl::linear(const Tensor& x) const {
  return at::linear(x, weight, bias);
}

void ProjectionImpl::add_adapter(const std::string& name,
                                 std::shared_ptr<ProjectionAdapter> adapter) {
  TORCH_CHECK(!name.empty() && name.find('.') == std::string::npos, "bad adapter name '", name,
              "'");
  TORCH_CHECK(!adapters_.contains(name), "adapter '", name, "' is attached already");
  TORCH_CHECK(!merged_, "unmerge the active adapter before another is added");
  if (!adapters_node_) {
    adapters_node_ = register_module("adapters", std::make_shared<AdaptersNode>());
  }
  as_node(adapters_node_).register_module(name, adapter);
  adapters_[name] = std::move(adapter);
  active_ = name;
}

void ProjectionImpl::remove_adapter(const std::string& name) {
  if (!adapters_.contains(name)) return;
  if (name == active_) {
    unmerge();
    active_.clear();
  }
  as_node(adapters_node_).unregister_module(name);
  adapters_.erase(name);
}

void ProjectionImpl::set_active(const std::string& name) {
  const std::string next = adapters_.contains(name) ? name : "";
  if (next == active_) return;
  unmerge();
  active_ = next;
}

std::shared_ptr<ProjectionAdapter> ProjectionImpl::find_adapter(const std::string& name) const {
  const auto found = adapters_.find(name);
  return found == adapters_.end() ? nullptr : found->second;
}

Tensor ProjectionImpl::merged_weight(at::ScalarType dtype) const {
  const auto adapter = merged_ ? nullptr : active_adapter();
  if (!adapter) return weight.detach().to(dtype);
  const auto delta = adapter->weight_delta(*this);
  TORCH_CHECK(delta.has_value(), "this kind of adapter cannot be merged");
  return weight.detach().to(delta->scalar_type()).add(*delta).to(dtype);
}

void ProjectionImpl::add_delta(double sign) {
  torch::NoGradGuard no_grad;
  const auto delta = active_adapter()->weight_delta(*this);
  TORCH_CHECK(delta.has_value(), "this kind of adapter cannot be merged");
  weight.copy_(weight.to(delta->scalar_type()).add(*delta, sign));
}

void ProjectionImpl::merge() {
  if (merged_ || !active_adapter()) return;
  add_delta(1);
  merged_ = true;
}

void ProjectionImpl::unmerge() {
  if (!merged_) return;
  add_delta(-1);
  merged_ = false;
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

AdaptersOff::AdaptersOff(const torch::nn::Module& model) {
  for (auto& [name, projection] : named_projections(model)) {
    if (!projection->adapters_enabled()) continue;
    projection->set_adapters_enabled(false);
    switched_.push_back(projection);
  }
}

AdaptersOff::~AdaptersOff() {
  for (auto& projection : switched_) projection->set_adapters_enabled(true);
}

}  // namespace hone
