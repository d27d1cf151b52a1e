#include <algorithm>

#include <hone/base/error.h>
#include <hone/base/nearest.h>
#include <hone/model/name_patterns.h>
#include <hone/model/peft_plan.h>

namespace hone {
namespace {

constexpr const char* kHead = "lm_head";
constexpr const char* kBaseMatrix = "base_layer.weight";

/// The layer that a module belongs to, from `layers.<i>.` or `h.<i>.` in its name.
std::optional<std::int64_t> layer_of(const std::string& name) {
  for (const std::string_view list : {".layers.", ".h."}) {
    const auto at = name.find(list);
    if (at != std::string::npos) return std::stoll(name.substr(at + list.size()));
  }
  return std::nullopt;
}

/// `model.norm.weight` -> `model.norm` and `weight`.
std::pair<std::string, std::string> split_parameter(const std::string& name) {
  const auto dot = name.rfind('.');
  return {name.substr(0, dot), name.substr(dot + 1)};
}

/// The modules that the fields `target_modules`, `exclude_modules` and `layers_to_transform` mean.
class Chooser {
 public:
  template <typename Config>
  Chooser(const PeftModules& modules, const Config& config)
      : targets_("target_modules", without_all_linear(config.target_modules)),
        all_linear_(targets_all_linear(config.target_modules)) {
    const auto names = modules.targets();
    targets_.check(names, kAllLinear);
    if constexpr (requires { config.exclude_modules; }) {
      excluded_.emplace("exclude_modules", config.exclude_modules);
    }
    if constexpr (requires { config.layers_to_transform; }) {
      layers_ = config.layers_to_transform;
      check_layers(names);
    }
    for (const auto& name : names) {
      if (chooses(modules, name)) chosen_.insert(name);
    }
  }

  const std::set<std::string>& chosen() const { return chosen_; }

 private:
  static bool targets_all_linear(const std::vector<std::string>& targets) {
    return std::find(targets.begin(), targets.end(), kAllLinear) != targets.end();
  }
  static std::vector<std::string> without_all_linear(std::vector<std::string> targets) {
    std::erase(targets, kAllLinear);
    return targets;
  }

  void check_layers(const std::vector<std::string>& names) const {
    for (const auto layer : layers_) {
      const bool exists = std::any_of(names.begin(), names.end(),
                                      [&](const auto& name) { return layer_of(name) == layer; });
      if (!exists) fail("layers_to_transform: the model has no layer ", layer);
    }
  }

  bool chooses(const PeftModules& modules, const std::string& name) const {
    const bool linear = all_linear_ && name != kHead && modules.projections.contains(name);
    if (!linear && !targets_.match(name)) return false;
    if (excluded_ && excluded_->match(name)) return false;
    if (layers_.empty()) return true;
    const auto layer = layer_of(name);
    return layer && std::find(layers_.begin(), layers_.end(), *layer) != layers_.end();
  }

  NamePatterns targets_;
  bool all_linear_;
  std::optional<NamePatterns> excluded_;
  std::vector<std::int64_t> layers_;
  std::set<std::string> chosen_;
};

/// Both parameters of a module that has them.
void add_copies(const PeftModules& modules, const std::string& path, AttachPlan& plan) {
  const auto module = modules.find(path);
  const auto projection = modules.projections.find(path);
  const bool is_packed = projection != modules.projections.end() && projection->second->packed;
  // A packed matrix is refused by name where the copy is made.
  if (is_packed || modules.embeddings.contains(path)) plan.copies.insert(path + ".weight");
  for (const char* parameter : {"weight", "bias"}) {
    if (has_copyable(*module, parameter)) plan.copies.insert(concat(path, ".", parameter));
  }
}

/// Every parameter of projections, norms and embeddings.
std::vector<std::string> copyable_parameters(const PeftModules& modules) {
  AttachPlan all;
  for (const auto& [path, projection] : modules.projections) add_copies(modules, path, all);
  for (const auto& [path, norm] : modules.norms) add_copies(modules, path, all);
  for (const auto& [path, embedding] : modules.embeddings) add_copies(modules, path, all);
  return {all.copies.begin(), all.copies.end()};
}

void plan_biases(const PeftModules& modules, const LoraConfig& config, AttachPlan& plan) {
  for (const auto& parameter : copyable_parameters(modules)) {
    const auto [path, name] = split_parameter(parameter);
    const bool wanted = config.bias == "all" || plan.modules.contains(path);
    if (config.bias != "none" && name == "bias" && wanted) plan.copies.insert(parameter);
  }
}

void plan_method(const PeftModules& modules, const LoraConfig& config, AttachPlan& plan) {
  plan.modules = Chooser(modules, config).chosen();
  std::vector<std::string> names = modules.targets();
  for (const auto& [path, norm] : modules.norms) names.push_back(path);
  const NamePatterns saved("modules_to_save", config.modules_to_save);
  saved.check(names);
  for (const auto& path : names) {
    if (!saved.match(path)) continue;
    plan.modules.erase(path);
    add_copies(modules, path, plan);
  }
  plan_biases(modules, config, plan);
  if (config.trainable_token_indices.empty()) return;
  for (const auto& [path, embedding] : modules.embeddings) {
    if (plan.modules.contains(path) || plan.copies.contains(path + ".weight"))
      fail("trainable_token_indices: ", path, " is adapted as a whole already");
  }
}

template <typename Config>
requires requires(const Config& config) {
  config.target_modules;
}
void plan_method(const PeftModules& modules, const Config& config, AttachPlan& plan) {
  plan.modules = Chooser(modules, config).chosen();
  std::erase_if(plan.modules,
                [&](const auto& path) { return !modules.projections.contains(path); });
}

void plan_method(const PeftModules& modules, const LnTuningConfig& config, AttachPlan& plan) {
  std::vector<std::string> names;
  for (const auto& [path, norm] : modules.norms) names.push_back(path);
  const NamePatterns targets("target_modules", config.target_modules);
  targets.check(names);
  for (const auto& path : names) {
    if (targets.empty() || targets.match(path)) add_copies(modules, path, plan);
  }
}

void plan_method(const PeftModules& modules, const SelectiveConfig& config, AttachPlan& plan) {
  const auto all = copyable_parameters(modules);
  const NamePatterns wanted("parameters", config.parameters);
  wanted.check(all);
  const auto layers = static_cast<std::int64_t>(modules.layers.size());
  if (config.last_layers > layers)
    fail("last_layers: ", config.last_layers, " of a model with ", layers, " layers");
  const auto first = config.last_layers == 0 ? layers : layers - config.last_layers;
  bool has_bias = false;
  for (const auto& parameter : all) {
    const bool is_bias = parameter.ends_with(".bias");
    has_bias = has_bias || is_bias;
    const bool last = layer_of(parameter).value_or(-1) >= first;
    if ((config.biases && is_bias) || last || wanted.match(parameter))
      plan.copies.insert(parameter);
  }
  if (config.biases && !has_bias)
    fail("biases: the model has none; train its norms instead (--peft ln_tuning)");
}

void plan_method(const PeftModules& modules, const BottleneckConfig& config, AttachPlan& plan) {
  for (const auto& [path, layer] : modules.layers) {
    const auto& wanted = config.layers_to_transform;
    const auto index = layer_of(path + ".").value_or(-1);
    if (wanted.empty() || std::find(wanted.begin(), wanted.end(), index) != wanted.end())
      plan.modules.insert(path);
  }
  const auto layers = static_cast<std::int64_t>(modules.layers.size());
  for (const auto layer : config.layers_to_transform) {
    if (layer < 0 || layer >= layers) fail("layers_to_transform: the model has no layer ", layer);
  }
}

// Virtual tokens stand in front of the model.
void plan_method(const PeftModules&, const PromptTuningConfig&, AttachPlan&) {}
void plan_method(const PeftModules&, const PromptEncoderConfig&, AttachPlan&) {}
void plan_method(const PeftModules&, const PrefixTuningConfig&, AttachPlan&) {}

/// The rank that the first matrix of a module in a file has: its smaller side's name tells.
std::optional<std::int64_t> rank_in(const std::string& parameter, const TensorView& tensor) {
  for (const char* rows :
       {"lora_A.weight", "lora_A", "lora_embedding_A", "hada_w1_b", "lokr_w2_b", "lokr_w1_b"}) {
    if (parameter == rows && tensor.shape.size() == 2) return tensor.shape[0];
  }
  return std::nullopt;
}

/// Puts one key of a file into the plan; says whether it fits the model.
bool plan_key(const PeftModules& modules, const TensorView& tensor, AttachPlan& plan) {
  auto key = tensor.name;
  if (!key.starts_with(kPeftPrefix)) return false;
  key.erase(0, kPeftPrefix.size());
  const auto owner = modules.owner_of(key);
  if (!owner) return false;
  auto parameter = key.substr(owner->size() + 1);
  // PEFT keeps the whole matrix below an adapted embedding.
  if (modules.embeddings.contains(*owner) && parameter == kBaseMatrix) return true;
  for (const std::string_view node : {"base_layer.", "ln_tuning_layers."}) {
    if (parameter.starts_with(node)) parameter.erase(0, node.size());
  }
  if (parameter == "weight" || parameter == "bias") {
    const bool fits =
        modules.embeddings.contains(*owner) || has_copyable(*modules.find(*owner), parameter);
    if (fits) plan.copies.insert(concat(*owner, ".", parameter));
    return fits;
  }
  if (parameter == "token_adapter.trainable_tokens_delta") return true;
  plan.modules.insert(*owner);
  if (const auto rank = rank_in(parameter, tensor)) plan.ranks[*owner] = *rank;
  return true;
}

/// Keys that belong to the whole model.
bool is_shared_key(const PeftConfig& config, const std::string& key) {
  if (key == "base_model.vera_A" || key == "base_model.vera_B")
    return std::holds_alternative<VeraConfig>(config);
  const bool is_virtual = std::holds_alternative<PromptTuningConfig>(config) ||
                          std::holds_alternative<PromptEncoderConfig>(config) ||
                          std::holds_alternative<PrefixTuningConfig>(config);
  return is_virtual && key == "prompt_embeddings";
}

/// The key of the model's projections that is most like `key`.
std::string expected_key(const PeftModules& modules, const std::string& key) {
  std::vector<std::string> keys;
  for (const auto& [path, projection] : modules.projections) {
    for (const char* matrix : {"lora_A", "lora_B"})
      keys.push_back(concat(kPeftPrefix, path, ".", matrix, ".weight"));
  }
  const auto nearest = nearest_names(key, keys, 1);
  return nearest.empty() ? keys.front() : nearest.front();
}

}  // namespace

PeftModules::PeftModules(const CausalLM& model) {
  for (const auto& item : model->named_modules("", /*include_self=*/false)) {
    const auto& path = item.key();
    if (auto projection = std::dynamic_pointer_cast<ProjectionImpl>(item.value()))
      projections.emplace(path, Projection(projection));
    if (auto embedding = std::dynamic_pointer_cast<TokenEmbeddingImpl>(item.value()))
      embeddings.emplace(path, embedding);
    if (auto norm = std::dynamic_pointer_cast<NormImpl>(item.value())) norms.emplace(path, norm);
    if (auto layer = std::dynamic_pointer_cast<DecoderLayerImpl>(item.value()))
      layers.emplace(path, layer);
  }
}

std::shared_ptr<torch::nn::Module> PeftModules::find(const std::string& path) const {
  if (const auto at = projections.find(path); at != projections.end()) return at->second.ptr();
  if (const auto at = embeddings.find(path); at != embeddings.end()) return at->second;
  if (const auto at = norms.find(path); at != norms.end()) return at->second;
  if (const auto at = layers.find(path); at != layers.end()) return at->second;
  return nullptr;
}

std::vector<std::string> PeftModules::targets() const {
  std::vector<std::string> names;
  for (const auto& [path, projection] : projections) names.push_back(path);
  for (const auto& [path, embedding] : embeddings) names.push_back(path);
  return names;
}

std::optional<std::string> PeftModules::owner_of(const std::string& key) const {
  for (auto dot = key.rfind('.'); dot != std::string::npos && dot > 0;
       dot = key.rfind('.', dot - 1)) {
    auto path = key.substr(0, dot);
    if (find(path)) return path;
  }
  return std::nullopt;
}

AttachPlan plan_of(const CausalLM& model, const PeftConfig& config) {
  const PeftModules modules(model);
  AttachPlan plan;
  std::visit([&](const auto& method) { plan_method(modules, method, plan); }, config);
  return plan;
}

AttachPlan plan_of_file(const CausalLM& model,
                        const PeftConfig& config,
                        const SafetensorsFile& file) {
  const PeftModules modules(model);
  AttachPlan plan;
  std::vector<std::string> unmatched;
  for (const auto& tensor : file.tensors()) {
    const bool fits = is_shared_key(config, tensor.name) || plan_key(modules, tensor, plan);
    if (!fits) unmatched.push_back(tensor.name);
  }
  const auto total = file.tensors().size();
  if (total == 0) fail(file.path().string(), ": holds no tensors");
  if (!unmatched.empty()) {
    fail(file.path().string(), ": ", total - unmatched.size(), " of ", total,
         " tensors match the model; the first that does not is \"", unmatched.front(),
         "\", an expected one is \"", expected_key(modules, unmatched.front()), "\"");
  }
  return plan;
}

std::string key_of_copy(const PeftConfig& config, const std::string& parameter, bool adapted) {
  const auto [path, name] = split_parameter(parameter);
  if (std::holds_alternative<LnTuningConfig>(config))
    return concat(kPeftPrefix, path, ".ln_tuning_layers.", name);
  return concat(kPeftPrefix, path, adapted ? ".base_layer." : ".", name);
}

}  // namespace hone
