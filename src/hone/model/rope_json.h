// Rotary settings in config.json, in the old way of writing them and in the new one.
#pragma once

#include <hone/causal_lm_config.h>
#include <hone/model/config_fields.h>

namespace hone {

/// Reads `rope_parameters` (also one for each layer type, as Gemma 3), or `rope_theta` with
/// `rope_scaling` and `rope_local_base_freq`, into `config`, whose other fields are set already.
/// Throws `Error` naming what is not supported.
void read_rope(const ConfigFields& fields, CausalLMConfig& config);

/// Writes both ways, for readers old and new.
void write_rope(const CausalLMConfig& config, Json& json);

}  // namespace hone
