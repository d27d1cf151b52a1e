// Parts of tokenizer.json for the families whose other files (GGUF, vocab.json with merges.txt) do
// not spell them out.
#pragma once

#include <hone/base/json_io.h>

namespace hone {

/// GPT-2: its own pattern, then bytes.
Json byte_level_split();

/// SmolLM and StarCoder: every digit by itself, then as GPT-2.
Json digits_byte_level_split();

/// Qwen2 and Qwen2.5: every digit by itself, a word takes one sign before it along, line ends stay
/// with signs.
Json qwen2_split();

/// Llama 3: as Qwen2, with digits in groups of up to three.
Json llama3_split();

/// Sets `add_prefix_space` of the ByteLevel step in one of the above.
void add_prefix_space(Json& pre_tokenizer);

/// Bytes back to text.
Json byte_level_decoder();

/// Llama 2's way, after SentencePiece: spaces become U+2581, and one is put in front of the text if
/// `prefix`.
Json space_marker_normalizer(bool prefix);
Json space_marker_decoder(bool prefix);

}  // namespace hone
