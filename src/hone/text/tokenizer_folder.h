// The loaders behind `load_tokenizer`, one for each form of a tokenizer on disk.
#pragma once

#include <filesystem>

#include <hone/text/tokenizer.h>

namespace hone {

// Each reads the companions (tokenizer_config.json ...) that stand beside the file and throws
// `Error` naming the file and what is wrong with it.

Tokenizer load_tokenizer_json(const std::filesystem::path& path);
/// A SentencePiece model, or a rank file of tiktoken under the same name.
Tokenizer load_model_file(const std::filesystem::path& path);
Tokenizer load_sentencepiece(const std::filesystem::path& path);
Tokenizer load_gguf_tokenizer(const std::filesystem::path& path);

/// `folder` holds vocab.json and merges.txt. How text is split follows from `tokenizer_class`:
/// GPT-2's way, also where no class is named, or Qwen2's.
Tokenizer load_vocab_and_merges(const std::filesystem::path& folder);

}  // namespace hone
