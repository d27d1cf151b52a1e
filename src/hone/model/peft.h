// Adapters on a model: attach, switch, merge, save and load in PEFT's files.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <hone/causal_lm.h>
#include <hone/model/peft_config.h>

namespace hone {

inline constexpr const char* kDefaultAdapter = "default";

/// Adds an adapter of any method to the places that `config` names, and makes it the active one.
/// Its parameters require gradients; nothing else is changed. Throws `Error` where a target names
/// no module (with the nearest names), a field is out of range, or `name` is taken.
void attach(CausalLM& model, const PeftConfig& config, const std::string& name = kDefaultAdapter);

/// Removes the adapter `name` from every place.
void detach(CausalLM& model, const std::string& name = kDefaultAdapter);

/// Whether the model holds an adapter `name`.
bool has_adapter(const CausalLM& model, const std::string& name);

/// Makes `name` the active adapter everywhere; a name that the model lacks switches all adapters
/// off. An adapter that is merged is taken out first.
void set_active(CausalLM& model, const std::string& name);

/// One adapter for each row of the batches to come (an empty name: the base), computed in one pass;
/// an empty list ends that. Throws `Error` for an adapter that works outside projections.
void set_active_rows(CausalLM& model, const std::vector<std::string>& names);

/// What folding an adapter in did.
struct FoldReport {
  std::int64_t parameters = 0;  ///< tensors that were changed
  double largest_update = 0;    ///< largest change of an element
  double rounding = 0;          ///< largest difference that `unmerge` will leave in an element
};

/// Folds the active adapter into the weights in place; `unmerge` takes it out again, exact to
/// rounding. Throws `Error` for a method that cannot be folded in, before anything is changed.
FoldReport merge(CausalLM& model);
void unmerge(CausalLM& model);

/// The parameters that require gradients, each once, with their names.
std::vector<std::pair<std::string, Tensor>> trainable_parameters(const CausalLM& model);

/// Whether a parameter of this name belongs to an adapter, not to the base.
bool is_adapter_parameter(const std::string& name);

/// The tensors of adapter `name` under the keys of adapter_model.safetensors, as they are in the
/// model (virtual tokens below an encoder: computed).
std::map<std::string, Tensor> adapter_tensors(const CausalLM& model,
                                              const PeftConfig& config,
                                              const std::string& name = kDefaultAdapter);

/// Writes `adapter_config.json` and `adapter_model.safetensors` as PEFT does, with a checksum over
/// both. `base_model` is what PEFT calls `base_model_name_or_path`. The encoder of virtual tokens
/// goes into `encoder.safetensors`, which PEFT does not read. The folder appears when it is
/// complete.
void save_adapter(const CausalLM& model,
                  const PeftConfig& config,
                  const std::filesystem::path& folder,
                  const std::string& base_model,
                  const std::string& name = kDefaultAdapter);

/// Reads an adapter folder that PEFT or hone wrote onto `model` as `name` and makes it the active
/// one. Returns its configuration. Throws `Error` naming what does not fit: a method or an option
/// that is not supported, a key that matches no module (with one that was expected), a missing
/// tensor, a shape, another base than it was trained on, damage. The model is then as before.
PeftConfig load_adapter(CausalLM& model,
                        const std::filesystem::path& folder,
                        const std::string& name = kDefaultAdapter);

}  // namespace hone
