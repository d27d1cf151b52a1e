// What a Tokenizer holds: one way to encode text between added tokens, and all that is common to
// every kind.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <hone/text/added_tokens.h>
#include <hone/text/bpe.h>
#include <hone/text/decoder.h>
#include <hone/text/normalizer.h>
#include <hone/text/pretokenizer.h>
#include <hone/text/sentencepiece_model.h>
#include <hone/text/tokenizer.h>
#include <hone/text/tokenizer_parts.h>

namespace hone {

/// Normalises, splits and merges, as tokenizer.json describes.
struct BpePipeline {
  Normalizer normalizer;
  PreTokenizer pre_tokenizer;
  std::unique_ptr<const Bpe> bpe;
};

/// Encodes by the sentencepiece library.
struct SentencePiecePipeline {
  SentencePieceModel model;
  bool prefixes_every_part = true;  ///< a dummy space in front of text after an added token too
};

class Tokenizer::Model {
 public:
  /// A BPE tokenizer. Throws `Error` starting with the parts' place where they do not fit together.
  explicit Model(TokenizerParts parts);

  /// A SentencePiece tokenizer; `parts` are those of its model, completed by the files beside it.
  Model(TokenizerParts parts, SentencePiecePipeline pipeline);

  std::vector<std::int64_t> encode(std::string_view text, const EncodeOptions& options) const;

  /// One step of decoding; see TokenDecoder. Throws `Error` for an id that no token has.
  void decode(std::int64_t id, bool skip_special, DecodeState& state, std::string& out) const;
  void finish(DecodeState& state, std::string& out) const { decoder_.finish(state, out); }

  std::int64_t size() const { return size_; }
  std::optional<std::int64_t> id_of(std::string_view token) const;
  /// Throws `Error` for an id that no token has.
  const std::string& token_of(std::int64_t id) const;
  bool is_special(std::int64_t id) const;
  std::optional<std::int64_t> bos() const { return bos_; }
  std::optional<std::int64_t> eos() const { return eos_; }
  std::optional<std::int64_t> pad() const { return pad_; }
  const std::string& chat_template() const { return parts_.chat_template; }
  const std::string& hash() const { return hash_; }

  /// The SentencePiece model's file, or nullptr where this is a BPE tokenizer.
  const SentencePiecePipeline* sentencepiece() const;

  /// The parts it was made from, complete again (with the merges, which are not kept as text).
  TokenizerParts parts() const;

 private:
  void prepare();
  void encode_part(std::string_view text,
                   PreTokenizer::Position position,
                   bool parse_special,
                   std::vector<std::int64_t>& ids) const;
  std::string normalize(std::string_view text, bool prefix) const;
  std::string compute_hash() const;

  TokenizerParts parts_;  ///< without merges
  std::variant<BpePipeline, SentencePiecePipeline> pipeline_;
  AddedTokens added_;
  StringMap<std::int64_t> added_ids_;
  TokenDecoder decoder_;
  Surroundings surroundings_;
  std::int64_t size_ = 0;
  std::optional<std::int64_t> bos_;
  std::optional<std::int64_t> eos_;
  std::optional<std::int64_t> pad_;
  std::string hash_;
};

}  // namespace hone
