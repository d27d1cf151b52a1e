// The vocabulary in the metadata of a GGUF file, made into the parts of a tokenizer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <hone/format/gguf_writer.h>
#include <hone/text/tokenizer_parts.h>

namespace hone {

/// The `tokenizer.*` keys of a GGUF file.
struct GgufVocabulary {
  std::string place;                ///< the file, for messages
  std::string model_name;           ///< general.name
  std::string model;                ///< tokenizer.ggml.model: "gpt2" or "llama"
  std::string pre;                  ///< tokenizer.ggml.pre: how "gpt2" splits text; may be empty
  std::vector<std::string> tokens;  ///< by id
  std::vector<float> scores;  ///< of a "llama" vocabulary: the order of its merges, best first
  std::vector<std::int64_t>
      types;  ///< 1 normal, 2 unknown, 3 control, 4 user defined, 5 unused, 6 byte
  std::vector<std::string> merges;  ///< of a "gpt2" vocabulary: two tokens with a space between
  std::optional<std::int64_t> bos_id;
  std::optional<std::int64_t> eos_id;
  std::optional<std::int64_t> pad_id;
  std::optional<std::int64_t> unk_id;
  std::optional<bool> add_bos;
  std::optional<bool> add_eos;
  std::optional<bool> add_space_prefix;
  std::string chat_template;
};

/// The parts of a tokenizer that gives the ids of the model's original tokenizer. Throws `Error`
/// starting with the place where lists disagree in length, a token is not UTF-8 or comes twice, an
/// id has no token, or the kind of vocabulary or of splitting is not known.
TokenizerParts parts_of(const GgufVocabulary& vocabulary);

/// The reverse, for a model whose embedding has `rows` rows: ids without a token become unused
/// entries. Throws `Error` where `rows` are too few, and where the tokenizer splits or normalises
/// text in a way for which llama.cpp has no name or no code (a SentencePiece unigram model).
GgufVocabulary gguf_vocabulary_of(const TokenizerParts& parts, std::int64_t rows);

/// Adds the `tokenizer.*` keys to a file.
void add_vocabulary(GgufWriter& writer, const GgufVocabulary& vocabulary);

}  // namespace hone
