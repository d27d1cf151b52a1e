// adapter_config.json of an adapter.
#pragma once

#include <string>

#include <hone/base/json_io.h>
#include <hone/causal_lm_config.h>
#include <hone/model/peft_config.h>

namespace hone {

/// Reads PEFT's fields; `place` names the file. Throws `Error` for another method, and for an
/// option that changes the result and is not supported, by name.
PeftConfig peft_config_from_json(const Json& json, const std::string& place);

/// What PEFT reads back as an equal configuration. The methods with virtual tokens name the sizes
/// of `model` as well.
Json peft_config_to_json(const PeftConfig& config,
                         const CausalLMConfig& model,
                         const std::string& base_model);

/// 16 hexadecimal digits over every field but where the base lies.
std::string hash_of(const PeftConfig& config, const CausalLMConfig& model);

}  // namespace hone
