#include <stdexcept>

#include <torch/types.h>

#include <hone/layers.h>
#include <hone/projection.h>
#include <hone/selective.h>
#include <hone/trainable.h>

namespace hone {
namespace {

constexpr const char* kCopies = "copy_adapters";

/// The member that `forward` reads, or null.
template <typename Module>
Tensor* place_in(torch::nn::Module& owner, const std::string& parameter) {
  auto* module = dynamic_cast<Module*>(&owner);
  if (module == nullptr) return nullptr;
  auto& tensor = parameter == "bias" ? module->bias : module->weight;
  return tensor.defined() ? &tensor : nullptr;
}

Tensor* place_of(torch::nn::Module& owner, const std::string& parameter) {
  if (parameter != "weight" && parameter != "bias") return nullptr;
  auto* place = place_in<ProjectionImpl>(owner, parameter);
  return place != nullptr ? place : place_in<NormImpl>(owner, parameter);
}

std::shared_ptr<torch::nn::Module> child(const torch::nn::Module& owner, const std::string& name) {
  const auto children = owner.named_children();
  const auto* found = children.find(name);
  return found == nullptr ? nullptr : *found;
}

}  // namespace

void validate(const LnTuningConfig&) {}

void validate(const SelectiveConfig& config) {
  if (config.last_layers < 0) throw std::invalid_argument("last_layers must not be negative");
  if (!config.biases && config.last_layers == 0 && config.parameters.empty())
    throw std::invalid_argument("nothing is selected: give biases, last_layers or parameters");
}

bool has_copyable(torch::nn::Module& owner, const std::string& parameter) {
  return place_of(owner, parameter) != nullptr;
}

Tensor add_parameter_copy(AdapterSwitch& adapters,
                          torch::nn::Module& owner,
                          const std::string& parameter,
                          const std::string& name) {
  auto* place = place_of(owner, parameter);
  TORCH_CHECK(place != nullptr, "a ", owner.name(), " has no ", parameter, " to copy");
  auto node = child(owner, kCopies);
  if (!node) node = owner.register_module(kCopies, std::make_shared<torch::nn::Module>());
  auto copies = child(*node, name);
  if (!copies) copies = node->register_module(name, std::make_shared<torch::nn::Module>());
  const auto own = copies->register_parameter(parameter, trainable_copy(*place));
  adapters.add_copy(name, *place, own);
  return own;
}

Tensor find_parameter_copy(const torch::nn::Module& owner,
                           const std::string& parameter,
                           const std::string& name) {
  const auto node = child(owner, kCopies);
  const auto copies = node ? child(*node, name) : nullptr;
  if (!copies) return {};
  const auto parameters = copies->named_parameters(/*recurse=*/false);
  const auto* found = parameters.find(parameter);
  return found == nullptr ? Tensor() : *found;
}

void remove_parameter_copies(torch::nn::Module& owner, const std::string& name) {
  const auto node = child(owner, kCopies);
  if (node && child(*node, name)) node->unregister_module(name);
}

}  // namespace hone
