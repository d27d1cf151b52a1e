#include <algorithm>

#include <ATen/ATen.h>
#include <torch/types.h>

#include <hone/base/error.h>
#include <hone/model/folded.h>
#include <hone/model/peft.h>

namespace hone {

bool is_adapter_parameter(const std::string& name) {
  // `adapters`, `copy_adapters`, `prompt_adapters`, ...
  return name.find("adapters.") != std::string::npos;
}

bool has_adapter(const CausalLM& model, const std::string& name) {
  const auto hosts = named_hosts(*model);
  return model->adapters()->has_copies(name) ||
         std::any_of(hosts.begin(), hosts.end(),
                     [&](const auto& host) { return host.second->holds_adapter(name); });
}

void set_active(CausalLM& model, const std::string& name) {
  if (model->adapters()->merged_places > 0) unmerge(model);
  model->adapters()->set_rows({});
  model->adapters()->set_active(name);
}

void set_active_rows(CausalLM& model, const std::vector<std::string>& names) {
  auto& adapters = *model->adapters();
  if (adapters.merged_places > 0) unmerge(model);
  for (const auto& name : names) {
    if (name.empty()) continue;
    if (!has_adapter(model, name)) fail("the model has no adapter \"", name, "\"");
    bool elsewhere = adapters.has_copies(name);
    for (const auto& [path, host] : named_hosts(*model)) {
      const bool is_projection = dynamic_cast<const ProjectionImpl*>(host.get()) != nullptr;
      elsewhere = elsewhere || (host->holds_adapter(name) && !is_projection);
    }
    if (elsewhere)
      fail("adapter \"", name, "\" works outside projections and cannot be chosen for single rows");
  }
  adapters.set_active("");
  adapters.set_rows(names);
}

FoldReport merge(CausalLM& model) {
  torch::NoGradGuard no_grad;
  if (!model->adapters()->rows().empty())
    fail("adapters are chosen for each row; make one active to merge it");
  const FoldedParameters check(model);
  FoldReport report;
  const auto largest = [](const Tensor& a, const Tensor& b) {
    return (a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item<double>();
  };
  for (auto& [path, projection] : named_projections(*model)) {
    const auto* adapter = projection->active_adapter();
    if (adapter == nullptr) continue;
    if (projection->packed)
      fail(path, ": the base is quantised (", projection->packed->type_name(),
           ") and would round the adapter away; hone-merge writes a merged model");
    const auto before = projection->weight.clone();
    projection->merge();
    const auto back = adapter->unfold(*projection).weight.to(before.scalar_type());
    report.parameters += 1;
    report.largest_update = std::max(report.largest_update, largest(projection->weight, before));
    report.rounding = std::max(report.rounding, largest(back, before));
  }
  for (const auto& [path, host] : named_hosts(*model)) host->merge();
  model->adapters()->merge_copies();
  return report;
}

void unmerge(CausalLM& model) {
  for (const auto& [path, host] : named_hosts(*model)) host->unmerge();
  model->adapters()->unmerge_copies();
}

std::vector<std::pair<std::string, Tensor>> trainable_parameters(const CausalLM& model) {
  std::vector<std::pair<std::string, Tensor>> trainable;
  for (const auto& item : model->named_parameters()) {
    if (item.value().requires_grad()) trainable.emplace_back(item.key(), item.value());
  }
  return trainable;
}

}  // namespace hone
