// Rank files of tiktoken: each line a token in base64 and its rank. Llama 3 comes with one, named
// tokenizer.model.
#pragma once

#include <string>
#include <string_view>

#include <hone/text/tokenizer_parts.h>

namespace hone {

/// Whether `bytes` begin as such a file does; a SentencePiece model never does.
bool is_tiktoken(std::string_view bytes);

/// The tokenizer of a rank file, as Hugging Face converts it: ranks are ids, every way to put a
/// token together from two others is a merge, in the order of the whole's rank, and text is split
/// as Llama 3 splits it. A file of 128,000 ranks gets Llama 3's 256 control tokens. Throws `Error`
/// starting with `place` and naming the line where one is malformed, or a byte has no token.
TokenizerParts read_tiktoken(std::string_view bytes, const std::string& place);

}  // namespace hone
