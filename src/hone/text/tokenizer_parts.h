// Everything that makes a tokenizer, in the form of tokenizer.json: what each loader fills and each
// saver reads.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <hone/base/json_io.h>
#include <hone/text/added_tokens.h>
#include <hone/text/bpe.h>
#include <hone/text/vocabulary.h>

namespace hone {

/// The tokens with a role, by their texts.
struct TokenNames {
  std::optional<std::string> bos;
  std::optional<std::string> eos;
  std::optional<std::string> pad;
  std::optional<std::string> unk;
};

/// What a SentencePiece model says of its pieces, for a file that holds no merges.
struct ScoredPieces {
  std::vector<float> scores;        ///< by id
  std::vector<std::int64_t> types;  ///< by id, numbered as `GgufToken`
  bool is_bpe = false;              ///< pieces are joined best score first; a unigram model: false
  bool rewrites_text = false;       ///< characters are mapped or spaces removed before encoding
  bool adds_prefix = true;          ///< a space is put in front of the text
};

/// The parts of one tokenizer.
struct TokenizerParts {
  std::string place;                   ///< the file they came from, for messages
  Vocabulary vocabulary;               ///< of the model; added tokens may be in it or beside it
  std::vector<MergePair> merges;       ///< in order of their ranks
  std::optional<ScoredPieces> pieces;  ///< of a SentencePiece model, which has no merges
  BpeSettings bpe;                     ///< how characters without a token are treated
  std::vector<AddedToken> added_tokens;
  Json normalizer;      ///< as in tokenizer.json, null: none
  Json pre_tokenizer;   ///< likewise
  Json post_processor;  ///< likewise
  Json decoder;         ///< likewise
  TokenNames names;
  std::string chat_template;
};

/// The id of `token` among the added tokens and the vocabulary.
std::optional<std::int64_t> id_of(const TokenizerParts& parts, std::string_view token);

/// Adds `token`, or gives the added token of the same text its flags. A negative id means: the id
/// it has in the vocabulary, or else the next free one. Throws `Error` starting with `place` where
/// the text or the id is taken by another.
void add_token(TokenizerParts& parts, AddedToken token, const std::string& place);

/// Makes a token special, adding it where it is not yet an added token.
void add_special_token(TokenizerParts& parts, const std::string& content, const std::string& place);

/// A post-processor that puts tokens before and after each text.
Json make_template(const TokenizerParts& parts,
                   const std::optional<std::string>& before,
                   const std::optional<std::string>& after);

/// The ids that a post-processor puts before and after a text.
struct Surroundings {
  std::vector<std::int64_t> before;
  std::vector<std::int64_t> after;
};

/// Reads a post-processor: null, TemplateProcessing, ByteLevel, RobertaProcessing, BertProcessing,
/// Sequence. Throws `Error` starting with `place` for anything else.
Surroundings read_post_processor(const Json& description, const std::string& place);

}  // namespace hone
