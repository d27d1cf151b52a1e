// Adapters on a model: attach, switch, merge, save and load in PEFT's files.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <hone/causal_lm.h>
#include <hone/lora.h>

namespace hone {

inline constexpr const char* kDefaultAdapter = "default";

/// Adds a LoRA adapter to every projection that `config.target_modules` names, and makes it the
/// active one. Its parameters require gradients; nothing else is changed. Throws `Error` where a
/// target names no module (with the nearest names) or a field is out of range.
void attach(CausalLM& model, const LoraConfig& config, const std::string& name = kDefaultAdapter);

/// Removes the adapter `name` from every projection.
void detach(CausalLM& model, const std::string& name = kDefaultAdapter);

/// Makes `name` the active adapter everywhere; a name that no projection has switches all adapters
/// off.
void set_active(CausalLM& model, const std::string& name);

/// Folds the active adapter into the weights in place; `unmerge` takes it out again, exact to
/// rounding.
void merge(CausalLM& model);
void unmerge(CausalLM& model);

/// The parameters that require gradients, each once, with their names.
std::vector<std::pair<std::string, Tensor>> trainable_parameters(const CausalLM& model);

/// Writes `adapter_config.json` and `adapter_model.safetensors` as PEFT does, with a checksum over
/// both. `base_model` is what PEFT calls `base_model_name_or_path`. The folder appears when it is
/// complete.
void save_adapter(const CausalLM& model,
                  const LoraConfig& config,
                  const std::filesystem::path& folder,
                  const std::string& base_model,
                  const std::string& name = kDefaultAdapter);

/// Reads an adapter folder that PEFT or hone wrote onto `model` as `name` and makes it the active
/// one. Returns its configuration. Throws `Error` naming what does not fit: a method or an option
/// that is not supported, a key that matches no module (with one that was expected), a missing
/// half, a shape, damage.
LoraConfig load_adapter(CausalLM& model,
                        const std::filesystem::path& folder,
                        const std::string& name = kDefaultAdapter);

}  // namespace hone
