#include <map>
#include <span>
#include <utility>

#include <nlohmann/json.hpp>

#include <hone/base/error.h>
#include <hone/text/gguf_splits.h>
#include <hone/text/gguf_vocabulary.h>

namespace hone {
namespace {

/// A pipeline without what changes no ids.
Json essence(Json description) {
  if (description.is_structured()) {
    for (auto& item : description) item = essence(item);
  }
  if (description.is_object()) description.erase("trim_offsets");
  return description;
}

bool composes(const TokenizerParts& parts) {
  return parts.normalizer.is_object() && parts.normalizer.value("type", "") == "NFC";
}

/// llama.cpp's name for the way of splitting.
std::string split_name(const TokenizerParts& parts) {
  for (const auto& split : gguf_splits()) {
    if (essence(split.pre_tokenizer()) == essence(parts.pre_tokenizer) &&
        split.composes == composes(parts) && (split.composes || parts.normalizer.is_null()) &&
        split.ignore_merges == parts.bpe.ignore_merges)
      return std::string(split.pre);
  }
  fail(parts.place, ": llama.cpp has no name for the way in which this tokenizer splits text");
}

std::int64_t type_of(const TokenizerParts& parts, std::int64_t id, const std::string& token) {
  if (parts.pieces) return parts.pieces->types.at(static_cast<std::size_t>(id));
  const bool is_byte = parts.bpe.byte_fallback && token.size() == 6 && token.starts_with("<0x");
  if (parts.names.unk == token) return static_cast<std::int64_t>(GgufToken::kUnknown);
  return static_cast<std::int64_t>(is_byte ? GgufToken::kByte : GgufToken::kNormal);
}

void list_tokens(const TokenizerParts& parts, std::int64_t rows, GgufVocabulary& vocabulary) {
  for (std::int64_t id = 0; id < rows; ++id) {
    const auto* token = parts.vocabulary.find(id);
    vocabulary.tokens.push_back(token == nullptr ? concat("[PAD", id, "]") : *token);
    vocabulary.types.push_back(token == nullptr ? static_cast<std::int64_t>(GgufToken::kUnused)
                                                : type_of(parts, id, *token));
  }
  for (const auto& added : parts.added_tokens) {
    if (added.id >= rows)
      fail(parts.place, ": token ", added.id, " has no row in the model, which has ", rows);
    const auto at = static_cast<std::size_t>(added.id);
    if (parts.names.unk == added.content && parts.pieces) continue;
    vocabulary.tokens[at] = added.content;
    vocabulary.types[at] =
        static_cast<std::int64_t>(added.special ? GgufToken::kControl : GgufToken::kUserDefined);
  }
}

/// llama.cpp joins first what gives the token of the best score: the later a merge stands in the
/// list, the worse.
std::vector<float> scores_of(const TokenizerParts& parts, std::size_t count) {
  std::vector<float> scores(count, 0);
  std::map<std::int64_t, bool> seen;
  float score = 0;
  for (const auto& [left, right] : parts.merges) {
    const auto whole = parts.vocabulary.id_of(left + right);
    if (!whole || !seen.emplace(*whole, true).second) continue;
    scores[static_cast<std::size_t>(*whole)] = --score;
  }
  return scores;
}

/// The scores of a SentencePiece model as they are, where llama.cpp joins by them as it does.
void add_pieces(const TokenizerParts& parts, GgufVocabulary& vocabulary) {
  const auto& pieces = *parts.pieces;
  if (!pieces.is_bpe)
    fail(parts.place, ": a SentencePiece unigram model; llama.cpp's decoders read BPE models only");
  if (pieces.rewrites_text)
    fail(parts.place,
         ": the model maps characters or removes spaces before it encodes, which llama.cpp does "
         "not");
  vocabulary.model = "llama";
  vocabulary.pre = "default";
  vocabulary.scores = pieces.scores;
  vocabulary.scores.resize(vocabulary.tokens.size(), 0);
  vocabulary.add_space_prefix = pieces.adds_prefix;
}

}  // namespace

GgufVocabulary gguf_vocabulary_of(const TokenizerParts& parts, std::int64_t rows) {
  GgufVocabulary vocabulary;
  vocabulary.place = parts.place;
  if (parts.vocabulary.size() > rows)
    fail(parts.place, ": has ", parts.vocabulary.size(), " tokens, the model ", rows, " rows");
  if (parts.merges.empty() && !parts.pieces)
    fail(parts.place, ": a tokenizer without merges or scores cannot be written to GGUF");
  list_tokens(parts, rows, vocabulary);
  const auto id = [&](const std::optional<std::string>& token) {
    return token ? id_of(parts, *token) : std::nullopt;
  };
  vocabulary.bos_id = id(parts.names.bos);
  vocabulary.eos_id = id(parts.names.eos);
  vocabulary.pad_id = id(parts.names.pad);
  vocabulary.unk_id = id(parts.names.unk);
  const auto around = read_post_processor(parts.post_processor, parts.place);
  vocabulary.add_bos = !around.before.empty();
  vocabulary.add_eos = !around.after.empty();
  vocabulary.chat_template = parts.chat_template;
  if (parts.pieces) {
    add_pieces(parts, vocabulary);
    return vocabulary;
  }
  if (parts.bpe.byte_fallback) {
    vocabulary.model = "llama";
    vocabulary.pre = "default";
    vocabulary.scores = scores_of(parts, vocabulary.tokens.size());
    vocabulary.add_space_prefix =
        essence(parts.normalizer).dump().find("Prepend") != std::string::npos;
    return vocabulary;
  }
  vocabulary.model = "gpt2";
  vocabulary.pre = split_name(parts);
  for (const auto& [left, right] : parts.merges) vocabulary.merges.push_back(left + " " + right);
  return vocabulary;
}

void add_vocabulary(GgufWriter& writer, const GgufVocabulary& vocabulary) {
  const auto key = [](const char* name) { return std::string("tokenizer.ggml.") + name; };
  writer.add_string(key("model"), vocabulary.model);
  writer.add_string(key("pre"), vocabulary.pre);
  writer.add_strings(key("tokens"), vocabulary.tokens);
  const std::vector<std::int32_t> types(vocabulary.types.begin(), vocabulary.types.end());
  writer.add_i32s(key("token_type"), types);
  if (!vocabulary.scores.empty()) writer.add_f32s(key("scores"), vocabulary.scores);
  if (!vocabulary.merges.empty()) writer.add_strings(key("merges"), vocabulary.merges);
  const auto add_id = [&](const char* name, const std::optional<std::int64_t>& id) {
    if (id) writer.add_u32(key(name), static_cast<std::uint32_t>(*id));
  };
  add_id("bos_token_id", vocabulary.bos_id);
  add_id("eos_token_id", vocabulary.eos_id);
  add_id("padding_token_id", vocabulary.pad_id);
  add_id("unknown_token_id", vocabulary.unk_id);
  if (vocabulary.add_bos) writer.add_bool(key("add_bos_token"), *vocabulary.add_bos);
  if (vocabulary.add_eos) writer.add_bool(key("add_eos_token"), *vocabulary.add_eos);
  if (vocabulary.add_space_prefix)
    writer.add_bool(key("add_space_prefix"), *vocabulary.add_space_prefix);
  if (!vocabulary.chat_template.empty())
    writer.add_string("tokenizer.chat_template", vocabulary.chat_template);
}

}  // namespace hone
