#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>

#include <torch/types.h>

#include <nlohmann/json.hpp>

#include <hone/base/error.h>
#include <hone/base/files.h>
#include <hone/base/names.h>
#include <hone/base/nearest.h>
#include <hone/format/safetensors.h>
#include <hone/model/adapter_config.h>
#include <hone/model/peft.h>
#include <hone/model/tensor_files.h>

namespace hone {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kKeyPrefix = "base_model.model.";
constexpr const char* kConfigHash = "hone.config";
constexpr const char* kAllLinear = "all-linear";
constexpr const char* kHead = "lm_head";

/// Whether `name` is `end`, or ends in it behind a dot.
bool ends_in(const std::string& name, const std::string& end) {
  return name == end || name.ends_with("." + end);
}

/// The layer that a projection belongs to, from `layers.<i>.` or `h.<i>.` in its name.
std::optional<std::int64_t> layer_of(const std::string& name) {
  for (const std::string_view list : {".layers.", ".h."}) {
    const auto at = name.find(list);
    if (at != std::string::npos) return std::stoll(name.substr(at + list.size()));
  }
  return std::nullopt;
}

bool is_chosen_layer(const std::string& name, const LoraConfig& config) {
  if (config.layers_to_transform.empty()) return true;
  const auto layer = layer_of(name);
  const auto& chosen = config.layers_to_transform;
  return layer && std::find(chosen.begin(), chosen.end(), *layer) != chosen.end();
}

bool is_target(const std::string& name, const std::string& target) {
  return target == kAllLinear ? name != kHead : ends_in(name, target);
}

/// Rank and alpha of one module, after the patterns.
LoraConfig config_of(const std::string& name, const LoraConfig& config) {
  LoraConfig own = config;
  for (const auto& [end, rank] : config.rank_pattern) {
    if (ends_in(name, end)) own.r = rank;
  }
  for (const auto& [end, alpha] : config.alpha_pattern) {
    if (ends_in(name, end)) own.lora_alpha = alpha;
  }
  return own;
}

void check_config(const LoraConfig& config) {
  try {
    validate(config);
  } catch (const std::invalid_argument& error) {
    throw Error(error.what());
  }
}

/// Every target must name something, or a misspelt one would silently train less.
void check_targets(const std::vector<std::pair<std::string, Projection>>& projections,
                   const LoraConfig& config) {
  std::set<std::string> last_parts;
  for (const auto& [name, projection] : projections)
    last_parts.insert(name.substr(name.rfind('.') + 1));
  const std::vector<std::string> known(last_parts.begin(), last_parts.end());
  for (const auto& target : config.target_modules) {
    const bool named = std::any_of(projections.begin(), projections.end(),
                                   [&](const auto& item) { return is_target(item.first, target); });
    if (named) continue;
    fail("target_modules: \"", target, "\" names no module", did_you_mean(target, known),
         "; the model has ", joined(known), " and all-linear");
  }
  for (const auto layer : config.layers_to_transform) {
    const bool exists = std::any_of(projections.begin(), projections.end(), [&](const auto& item) {
      return layer_of(item.first) == layer;
    });
    if (!exists) fail("layers_to_transform: the model has no layer ", layer);
  }
}

/// The two tensors of one module in an adapter file.
struct Halves {
  const TensorView* a = nullptr;
  const TensorView* b = nullptr;
};

std::string missing_halves(const std::string& name, const Halves& halves) {
  return concat(kKeyPrefix, name, halves.a == nullptr ? ".lora_A.weight" : ".lora_B.weight");
}

/// The key of the model that is most like `key`.
std::string expected_key(const std::string& key,
                         const std::map<std::string, Projection>& projections) {
  std::vector<std::string> keys;
  for (const auto& [module, projection] : projections) {
    keys.push_back(concat(kKeyPrefix, module, ".lora_A.weight"));
    keys.push_back(concat(kKeyPrefix, module, ".lora_B.weight"));
  }
  const auto nearest = nearest_names(key, keys, 1);
  return nearest.empty() ? keys.front() : nearest.front();
}

/// Sorts the tensors of `file` by module. Throws where one fits no projection of the model.
std::map<std::string, Halves> sort_by_module(const SafetensorsFile& file,
                                             const std::map<std::string, Projection>& projections) {
  std::map<std::string, Halves> modules;
  std::vector<std::string> unmatched;
  for (const auto& tensor : file.tensors()) {
    std::string key = tensor.name;
    const bool prefixed = key.starts_with(kKeyPrefix);
    if (prefixed) key.erase(0, kKeyPrefix.size());
    const bool is_a = key.ends_with(".lora_A.weight");
    const bool is_b = key.ends_with(".lora_B.weight");
    const auto module =
        is_a || is_b ? key.substr(0, key.size() - std::string_view(".lora_A.weight").size()) : "";
    if (!prefixed || !projections.contains(module)) {
      unmatched.push_back(tensor.name);
      continue;
    }
    (is_a ? modules[module].a : modules[module].b) = &tensor;
  }
  if (file.tensors().empty()) fail(file.path().string(), ": holds no tensors");
  if (!unmatched.empty()) {
    fail(file.path().string(), ": ", file.tensors().size() - unmatched.size(), " of ",
         file.tensors().size(), " tensors match the model; the first that does not is \"",
         unmatched.front(), "\", an expected one is \"",
         expected_key(unmatched.front(), projections), "\"");
  }
  return modules;
}

void check_shapes(const fs::path& path, const Projection& base, const Halves& halves) {
  const auto check = [&](const TensorView& tensor, std::int64_t axis, std::int64_t size) {
    if (tensor.shape.size() == 2 && tensor.shape[static_cast<std::size_t>(axis)] == size) return;
    fail(path.string(), ": \"", tensor.name, "\" has shape ", shape_text(tensor.shape),
         ", dimension ", axis, " must be ", size, " on this model");
  };
  check(*halves.a, 1, base->in_features());
  check(*halves.b, 0, base->out_features());
  if (halves.a->shape[0] != halves.b->shape[1] || halves.a->shape[0] < 1) {
    fail(path.string(), ": \"", halves.a->name, "\" ", shape_text(halves.a->shape), " and \"",
         halves.b->name, "\" ", shape_text(halves.b->shape), " differ in rank");
  }
}

void load_module(const fs::path& path,
                 Projection& base,
                 const LoraConfig& config,
                 const SafetensorsFile& file,
                 const Halves& halves,
                 const std::string& name) {
  check_shapes(path, base, halves);
  LoraConfig own = config;
  own.r = halves.a->shape[0];
  Lora lora(*base, own);
  torch::NoGradGuard no_grad;
  lora->lora_A.copy_(map_tensor(*halves.a, file.owner()));
  lora->lora_B.copy_(map_tensor(*halves.b, file.owner()));
  base->add_adapter(name, lora.ptr());
}

}  // namespace

void attach(CausalLM& model, const LoraConfig& config, const std::string& name) {
  check_config(config);
  auto projections = named_projections(*model);
  check_targets(projections, config);
  for (auto& [path, projection] : projections) {
    const bool named = std::any_of(config.target_modules.begin(), config.target_modules.end(),
                                   [&](const auto& target) { return is_target(path, target); });
    if (!named || !is_chosen_layer(path, config)) continue;
    projection->add_adapter(name, Lora(*projection, config_of(path, config)).ptr());
  }
}

void detach(CausalLM& model, const std::string& name) {
  for (auto& [path, projection] : named_projections(*model)) projection->remove_adapter(name);
}

void set_active(CausalLM& model, const std::string& name) {
  for (auto& [path, projection] : named_projections(*model)) projection->set_active(name);
}

void merge(CausalLM& model) {
  for (auto& [path, projection] : named_projections(*model)) projection->merge();
}

void unmerge(CausalLM& model) {
  for (auto& [path, projection] : named_projections(*model)) projection->unmerge();
}

std::vector<std::pair<std::string, Tensor>> trainable_parameters(const CausalLM& model) {
  std::vector<std::pair<std::string, Tensor>> trainable;
  for (const auto& item : model->named_parameters()) {
    if (item.value().requires_grad()) trainable.emplace_back(item.key(), item.value());
  }
  return trainable;
}

void save_adapter(const CausalLM& model,
                  const LoraConfig& config,
                  const fs::path& folder,
                  const std::string& base_model,
                  const std::string& name) {
  std::map<std::string, Tensor> tensors;
  for (const auto& [path, projection] : named_projections(*model)) {
    const auto lora = std::dynamic_pointer_cast<LoraImpl>(projection->find_adapter(name));
    if (!lora) continue;
    tensors[concat(kKeyPrefix, path, ".lora_A.weight")] = lora->lora_A;
    tensors[concat(kKeyPrefix, path, ".lora_B.weight")] = lora->lora_B;
  }
  TORCH_CHECK(!tensors.empty(), "the model has no LoRA adapter '", name, "'");
  AtomicFolder target(folder);
  write_json(target.temporary() / "adapter_config.json", lora_config_to_json(config, base_model));
  write_tensors(target.temporary() / "adapter_model.safetensors", tensors,
                {{"format", "pt"}, {kConfigHash, hash_of(config)}}, Checksum::kAdd);
  target.commit();
}

LoraConfig load_adapter(CausalLM& model, const fs::path& folder, const std::string& name) {
  const auto config_path = folder / "adapter_config.json";
  if (!fs::is_directory(folder)) fail(folder.string(), ": no such adapter folder");
  const auto config = lora_config_from_json(read_json(config_path), config_path.string());
  const SafetensorsFile file(folder / "adapter_model.safetensors");
  const auto hash = file.metadata().find(kConfigHash);
  if (hash != file.metadata().end() && hash->second != hash_of(config)) {
    fail(config_path.string(), ": differs from what the adapter was saved with; restore it");
  }
  std::map<std::string, Projection> projections;
  for (auto& [path, projection] : named_projections(*model)) projections.emplace(path, projection);
  const auto modules = sort_by_module(file, projections);
  for (const auto& [path, halves] : modules) {
    if (halves.a != nullptr && halves.b != nullptr) continue;
    fail(file.path().string(), ": \"", missing_halves(path, halves), "\" is missing");
  }
  for (const auto& [path, halves] : modules) {
    load_module(file.path(), projections.at(path), config_of(path, config), file, halves, name);
  }
  return config;
}

}  // namespace hone
