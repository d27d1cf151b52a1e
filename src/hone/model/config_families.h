// The families whose config.json hone reads and writes, GPT-2 apart, which has names of its own.
#pragma once

#include <string_view>
#include <vector>

#include <hone/causal_lm_config.h>
#include <hone/model/config_fields.h>

namespace hone {

/// A family: its model_type, the class that transformers builds, its defaults and what its
/// config.json says beyond the fields that all share.
struct Family {
  std::string_view model_type;
  std::string_view architecture;
  CausalLMConfig defaults;
  void (*read)(const ConfigFields&, CausalLMConfig&);
  void (*write)(const CausalLMConfig&, Json&);
  /// Fields of the family's own that `read` looks at.
  std::vector<std::string_view> fields;
};

/// Every one of them.
const std::vector<Family>& families();

/// The family of that model_type, or null.
const Family* find_family(std::string_view model_type);

}  // namespace hone
