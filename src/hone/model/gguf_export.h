// A model as a GGUF file, for llama.cpp and whatever reads its format.
#pragma once

#include <filesystem>
#include <functional>

#include <hone/causal_lm.h>
#include <hone/format/gguf_writer.h>

namespace hone {

/// Writes `model` to `path` as GGUF version 3, an active adapter merged in as `save_pretrained`
/// does. Matrices are stored as `type` (F32, F16, BF16, Q8_0 or Q4_0; a matrix whose rows are no
/// whole blocks of 32 as F16), vectors as F32. `add_metadata` adds what the model does not know:
/// name, tokenizer. Throws `Error` for another type, and where llama.cpp has no such model or would
/// compute something else.
void save_gguf(const CausalLM& model,
               const std::filesystem::path& path,
               GgmlType type,
               const std::function<void(GgufWriter&)>& add_metadata = {});

/// Writes the active LoRA adapter of `model` to `path` as a GGUF adapter, which llama.cpp puts on
/// the base as GGUF. There the update is scaled by alpha / r whatever the rank: with rank
/// stabilisation the file carries alpha sqrt(r) in the place of alpha, and a module with an alpha
/// of its own has the difference in its B. Stored as F32. Throws `Error` where no LoRA is active,
/// and as `save_gguf`.
void save_gguf_adapter(const CausalLM& model, const std::filesystem::path& path);

}  // namespace hone
