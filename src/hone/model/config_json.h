// config.json of a Hugging Face folder, and the metadata of a GGUF file, as a `CausalLMConfig`.
#pragma once

#include <filesystem>

#include <hone/base/json_io.h>
#include <hone/causal_lm.h>
#include <hone/format/gguf.h>

namespace hone {

/// Reads the fields of a config.json; `place` names it in messages. Both ways of writing rotary
/// settings are read
/// (`rope_parameters`, and `rope_theta` with `rope_scaling`). Throws `Error` naming the field where
/// one is missing, has another type, or asks for something that would change the result and is not
/// supported.
CausalLMConfig config_from_json(const Json& json, const std::string& place);

/// What transformers reads back as an equal configuration. `dtype` is how the weights are stored.
Json config_to_json(const CausalLMConfig& config, at::ScalarType dtype);

/// The same from GGUF metadata.
CausalLMConfig config_from_gguf(const GgufFile& file);

}  // namespace hone
