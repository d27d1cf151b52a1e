// Selective fine-tuning: copies of some of the base's own parameters are trained (BitFit, Ben Zaken
// et al. 2022; layer norms; the last layers; anything by name).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <hone/adapter_switch.h>

namespace hone {

/// Options of layer-norm tuning under PEFT's names.
struct LnTuningConfig {
  /// Norms to train, as LoRA's targets; empty: all.
  std::vector<std::string> target_modules = {};

  bool operator==(const LnTuningConfig&) const = default;
};

/// Which parameters of the base are trained; those that any of the fields names.
struct SelectiveConfig {
  bool biases = false;           ///< every bias (BitFit)
  std::int64_t last_layers = 0;  ///< all of the last K decoder layers
  /// Parameters by name, as LoRA's targets (`lm_head.weight`, `.*norm.weight`).
  std::vector<std::string> parameters = {};

  bool operator==(const SelectiveConfig&) const = default;
};

/// Throw `std::invalid_argument` naming the first field that is out of range.
void validate(const LnTuningConfig& config);
void validate(const SelectiveConfig& config);

/// Gives adapter `name` a copy of the parameter `parameter` (`weight` or `bias`) of `owner`, which
/// stands in its place while the adapter is active. Registered as
/// `copy_adapters.<name>.<parameter>` below `owner`. Throws `c10::Error` where `owner` is no
/// projection and no norm, or lacks the parameter.
Tensor add_parameter_copy(AdapterSwitch& adapters,
                          torch::nn::Module& owner,
                          const std::string& parameter,
                          const std::string& name);

/// Whether `owner` has a parameter of which `add_parameter_copy` can make a copy.
bool has_copyable(torch::nn::Module& owner, const std::string& parameter);

/// The copy of `parameter` that adapter `name` has of `owner`; undefined where it has none.
Tensor find_parameter_copy(const torch::nn::Module& owner,
                           const std::string& parameter,
                           const std::string& name);

/// Takes the copies of adapter `name` out of `owner`'s registry. The places are put back by
/// `AdapterSwitch::remove_copies`.
void remove_parameter_copies(torch::nn::Module& owner, const std::string& name);

}  // namespace hone
