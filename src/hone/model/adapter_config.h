// adapter_config.json of a LoRA adapter.
#pragma once

#include <string>

#include <hone/base/json_io.h>
#include <hone/lora.h>

namespace hone {

/// Reads PEFT's fields; `place` names the file. Throws `Error` for another method, and for an
/// option that changes the result and is not supported, by name.
LoraConfig lora_config_from_json(const Json& json, const std::string& place);

/// What PEFT reads back as an equal configuration.
Json lora_config_to_json(const LoraConfig& config, const std::string& base_model);

/// 16 hexadecimal digits over every field but where the base lies.
std::string hash_of(const LoraConfig& config);

}  // namespace hone
