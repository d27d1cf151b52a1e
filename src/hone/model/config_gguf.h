// The metadata of a GGUF file as a `CausalLMConfig`.
#pragma once

#include <string_view>

#include <hone/causal_lm_config.h>
#include <hone/format/gguf.h>
#include <hone/format/gguf_writer.h>

namespace hone {

/// Tensors of GGUF files that are divisors of rotary frequencies, not parameters: one list for all
/// texts, or one for those within the trained context and one for longer ones.
inline constexpr const char* kRopeFactors = "rope_freqs.weight";
inline constexpr const char* kShortRopeFactors = "rope_factors_short.weight";
inline constexpr const char* kLongRopeFactors = "rope_factors_long.weight";

/// Reads the architectures llama, qwen2, qwen3, smollm3, gemma2, gemma3, phi3, olmo2 and gpt2 of
/// llama.cpp. What its file format leaves to the program (which layers slide, Gemma's scales) is
/// taken as llama.cpp has it. Throws `Error` naming what is missing or not supported.
CausalLMConfig config_from_gguf(const GgufFile& file);

/// Adds the metadata of `config` to a file: what `config_from_gguf` reads, but for tokens with a
/// role and the tensors of rotary divisors.
void add_config(GgufWriter& writer, const CausalLMConfig& config);

/// llama.cpp's name for the family of `config`; empty where it has none.
std::string_view gguf_architecture(const CausalLMConfig& config);

}  // namespace hone
