// config.json of a Hugging Face folder as a `CausalLMConfig`.
#pragma once

#include <filesystem>

#include <hone/base/json_io.h>
#include <hone/causal_lm.h>

namespace hone {

/// Reads the config.json of a family that hone has; `place` names it in messages. A field that is
/// missing has the default of the family in transformers. Throws `Error` naming the field where one
/// is missing that must be there, has another type, asks for something that is not supported, or is
/// unknown and might change the result.
CausalLMConfig config_from_json(const Json& json, const std::string& place);

/// What transformers reads back as an equal configuration. `dtype` is how the weights are stored.
/// Throws `std::invalid_argument` where the family's config.json cannot express `config`.
Json config_to_json(const CausalLMConfig& config, at::ScalarType dtype);

/// The kinds of parts and the defaults of the family `model_type`, without sizes. Throws
/// `std::invalid_argument` for a family that hone lacks.
CausalLMConfig family_defaults(const std::string& model_type);

/// `config` where its fields fit each other; else throws `Error` starting with `place`.
CausalLMConfig checked_config(CausalLMConfig config, const std::string& place);

}  // namespace hone
