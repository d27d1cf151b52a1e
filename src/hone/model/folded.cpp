#include <ATen/ATen.h>
#include <torch/types.h>

#include <hone/base/error.h>
#include <hone/model/folded.h>
#include <hone/model/peft.h>
#include <hone/model/peft_plan.h>

namespace hone {
namespace {

std::pair<std::string, std::string> owner_and_last(const std::string& name) {
  const auto dot = name.rfind('.');
  return {name.substr(0, dot), name.substr(dot + 1)};
}

}  // namespace

FoldedParameters::FoldedParameters(const CausalLM& model) {
  for (const auto& [path, host] : named_hosts(*model)) {
    const auto obstacle = host->merge_obstacle();
    if (!obstacle.empty()) fail("the adapter cannot be folded into the weights: ", obstacle);
  }
  const PeftModules modules(model);
  for (const auto& [path, projection] : modules.projections) {
    if (projection->packed) {
      base_.emplace(path + ".weight", Tensor());
      packed_.emplace(path, projection);
    }
    if (projection->active_adapter() != nullptr) projections_.emplace(path, projection);
  }
  for (const auto& [path, embedding] : modules.embeddings) {
    if (embedding->packed) {
      base_.emplace(path + ".weight", Tensor());
      packed_embeddings_.emplace(path, embedding);
    }
    const auto* adapter = embedding->active_adapter();
    if (adapter == nullptr) continue;
    if (model->config.tie_word_embeddings && !adapter->changes_tied_head())
      fail("the adapter cannot be folded into the weights: it changes ", path,
           ", and the head is the same matrix");
    embeddings_.emplace(path, embedding);
  }
  const auto active = model->adapters()->active_name();
  const bool takes_part = model->adapters()->active() != AdapterSwitch::kNone;
  for (const auto& item : model->named_parameters()) {
    if (is_adapter_parameter(item.key())) continue;
    base_.emplace(item.key(), item.value().detach());
    const auto [path, parameter] = owner_and_last(item.key());
    const auto module = modules.find(path);
    if (!module || !takes_part) continue;
    const auto copy = find_parameter_copy(*module, parameter, active);
    if (copy.defined()) copies_.emplace(item.key(), copy.detach());
  }
}

bool FoldedParameters::is_folded(const std::string& name) const {
  const auto path = owner_and_last(name).first;
  return copies_.contains(name) || projections_.contains(path) || embeddings_.contains(path);
}

std::vector<std::string> FoldedParameters::names() const {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : base_) names.push_back(name);
  return names;
}

Tensor FoldedParameters::original(const std::string& name) const {
  const auto path = owner_and_last(name).first;
  const auto& own = base_.at(name);
  if (own.defined()) return own;
  if (const auto found = packed_.find(path); found != packed_.end())
    return found->second->dense_weight();
  return packed_embeddings_.at(path)->dense_weight();
}

Tensor FoldedParameters::at(const std::string& name) const {
  torch::NoGradGuard no_grad;
  const auto [path, parameter] = owner_and_last(name);
  if (const auto found = projections_.find(path); found != projections_.end()) {
    const auto folded = found->second->active_adapter()->fold(*found->second);
    return parameter == "bias" ? folded.bias.detach() : folded.weight;
  }
  if (const auto found = embeddings_.find(path); found != embeddings_.end())
    return found->second->active_adapter()->whole(found->second->dense_weight());
  const auto copy = copies_.find(name);
  return copy != copies_.end() ? copy->second : original(name);
}

}  // namespace hone
