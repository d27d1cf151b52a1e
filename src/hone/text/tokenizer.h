// Text to ids and back: the one interface over every kind of vocabulary.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <hone/text/decode_state.h>

namespace hone {

/// How `Tokenizer::encode` treats a text.
struct EncodeOptions {
  /// Add what the tokenizer's own post-processor adds (BOS for Llama 2, nothing for SmolLM2), as
  /// `add_special_tokens` of Hugging Face does.
  bool add_special_tokens = false;
  /// Recognise control tokens written out in the text, such as `<|im_end|>`. Switch it off for text
  /// that a user or a data set wrote, so that it cannot forge the end of its turn; ordinary added
  /// tokens are recognised in any case.
  bool parse_special_tokens = true;
  /// The text goes on where earlier text ended: no dummy prefix space is put in front of it.
  bool continuation = false;
};

/// A tokenizer loaded from any of the forms that models come with. A value: copies share the
/// vocabulary.
///
/// `encode` and `decode` may be called from several threads at once.
class Tokenizer {
 public:
  /// What a kind of vocabulary implements; private to `text/`.
  class Model;

  explicit Tokenizer(std::shared_ptr<const Model> model) : model_(std::move(model)) {}

  /// The ids of `text`, equal to those of Hugging Face's tokenizers. Throws `Error` with the byte
  /// offset where `text` is not UTF-8.
  std::vector<std::int64_t> encode(std::string_view text, const EncodeOptions& options = {}) const;

  /// The text of `ids`. Each run of bytes that cannot be part of a character becomes one U+FFFD, as
  /// in Python's decoding with "replace". `skip_special_tokens` leaves out control tokens. Throws
  /// `Error` for an id outside the vocabulary.
  std::string decode(std::span<const std::int64_t> ids, bool skip_special_tokens = true) const;

  /// Number of ids, added tokens included: ids are 0 .. vocab_size() - 1.
  std::int64_t vocab_size() const;

  /// The id of the token written exactly `token` in the vocabulary (added tokens included).
  std::optional<std::int64_t> id_of(std::string_view token) const;

  /// How `id` is written in the vocabulary, such as `Ġthe` or `<|im_end|>`.
  std::string token_of(std::int64_t id) const;

  /// Whether `id` is a control token, which `decode` leaves out.
  bool is_special(std::int64_t id) const;

  std::optional<std::int64_t> bos_id() const;  ///< start of text, where the model has one
  std::optional<std::int64_t> eos_id() const;  ///< end of text or of a turn
  std::optional<std::int64_t> pad_id() const;  ///< filling of batches

  /// The model's own Jinja chat template; empty where it has none.
  const std::string& chat_template() const;

  /// 16 hexadecimal digits that differ where two tokenizers can give different ids for a text: over
  /// every token, merge, added token and setting. Written into tokenized data.
  std::string hash() const;

  const Model& model() const { return *model_; }

 private:
  std::shared_ptr<const Model> model_;
};

/// Turns ids into text one at a time without ever giving half a character.
class StreamDecoder {
 public:
  explicit StreamDecoder(Tokenizer tokenizer, bool skip_special_tokens = true);

  /// The text that is certain after one more id: empty while a character is incomplete.
  std::string push(std::int64_t id);

  /// What is left at the end: an incomplete character becomes one U+FFFD. The next `push` begins a
  /// new text.
  std::string finish();

 private:
  Tokenizer tokenizer_;
  bool skip_special_tokens_;
  DecodeState state_;
};

/// Loads the tokenizer of a model.
///
/// `path` is a `.gguf` file (vocabulary in its metadata), a `tokenizer.json`, a `.model` file of
/// SentencePiece or of tiktoken, or a folder that holds `tokenizer.json`, `tokenizer.model`, or
/// `vocab.json` with `merges.txt`, and beside them `tokenizer_config.json`,
/// `special_tokens_map.json` and `chat_template.jinja` where present. Throws `Error` naming the
/// file and what is wrong with it, or the names that were looked for.
Tokenizer load_tokenizer(const std::filesystem::path& path);

/// Writes `tokenizer.json`, `tokenizer_config.json` and `chat_template.jinja` (or copies the files
/// the tokenizer was loaded from) into `folder`, so that Hugging Face's AutoTokenizer loads an
/// equal tokenizer from there.
void save_tokenizer(const Tokenizer& tokenizer, const std::filesystem::path& folder);

}  // namespace hone
