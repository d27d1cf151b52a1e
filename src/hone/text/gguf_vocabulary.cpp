#include <algorithm>
#include <tuple>
#include <utility>

#include <hone/base/error.h>
#include <hone/base/utf8.h>
#include <hone/text/gguf_splits.h>
#include <hone/text/gguf_vocabulary.h>
#include <hone/text/known_splits.h>
#include <hone/text/unicode.h>

namespace hone {
namespace {

bool is(std::int64_t type, GgufToken wanted) {
  return type == static_cast<std::int64_t>(wanted);
}

const GgufSplit& family_of(const GgufVocabulary& vocabulary) {
  std::string known;
  for (const auto& family : gguf_splits()) {
    if (family.pre == vocabulary.pre) return family;
    if (!family.pre.empty()) known += concat(known.empty() ? "" : ", ", family.pre);
  }
  fail(vocabulary.place, ": tokenizer.ggml.pre ", quote(vocabulary.pre),
       " is not known, known are ", known);
}

void check(const GgufVocabulary& vocabulary) {
  const auto& place = vocabulary.place;
  const auto count = vocabulary.tokens.size();
  if (count == 0) fail(place, ": tokenizer.ggml.tokens is missing or empty");
  if (!vocabulary.types.empty() && vocabulary.types.size() != count) {
    fail(place, ": tokenizer.ggml.token_type has ", vocabulary.types.size(), " entries for ", count,
         " tokens");
  }
  for (std::size_t i = 0; i < count; ++i) {
    if (find_invalid_utf8(vocabulary.tokens[i])) fail(place, ": token ", i, " is not UTF-8");
  }
  for (const auto& id :
       {vocabulary.bos_id, vocabulary.eos_id, vocabulary.pad_id, vocabulary.unk_id}) {
    if (id && (*id < 0 || *id >= static_cast<std::int64_t>(count))) {
      fail(place, ": special token id ", *id, " is not below the vocabulary's size, ", count);
    }
  }
}

/// The files do not say which control tokens take the white space after them along; Phi-3's do, all
/// but these.
bool strips_right(const GgufVocabulary& vocabulary, const std::string& token) {
  std::string name = vocabulary.model_name;
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; });
  if (name.find("phi3") == std::string::npos && name.find("phi-3") == std::string::npos)
    return false;
  return token != "<unk>" && token != "<s>" && token != "<|endoftext|>";
}

/// Tokens up to the last that is used: the entries behind it fill the rows of an embedding that is
/// larger than the vocabulary.
std::size_t count_used(const GgufVocabulary& vocabulary) {
  auto count = vocabulary.tokens.size();
  if (vocabulary.types.empty()) return count;
  while (count > 1 && is(vocabulary.types[count - 1], GgufToken::kUnused)) --count;
  return count;
}

void add_tokens(const GgufVocabulary& vocabulary, TokenizerParts& parts) {
  const auto count = count_used(vocabulary);
  for (std::size_t i = 0; i < count; ++i) {
    const auto& token = vocabulary.tokens[i];
    const auto id = static_cast<std::int64_t>(i);
    parts.vocabulary.add(id, token, vocabulary.place);
    const auto type = vocabulary.types.empty() ? 1 : vocabulary.types[i];
    if (!is(type, GgufToken::kControl) && !is(type, GgufToken::kUserDefined)) continue;
    AddedToken added{id, token};
    added.special = is(type, GgufToken::kControl);
    added.rstrip = strips_right(vocabulary, token);
    parts.added_tokens.push_back(std::move(added));
  }
}

void name_tokens(const GgufVocabulary& vocabulary, TokenizerParts& parts) {
  const auto name = [&](const std::optional<std::int64_t>& id) -> std::optional<std::string> {
    if (!id) return std::nullopt;
    return vocabulary.tokens[static_cast<std::size_t>(*id)];
  };
  parts.names = {name(vocabulary.bos_id), name(vocabulary.eos_id), name(vocabulary.pad_id),
                 name(vocabulary.unk_id)};
  // Importers mark them as control tokens too, whatever their type says.
  for (const auto& token : {parts.names.bos, parts.names.eos, parts.names.pad}) {
    if (token) add_special_token(parts, *token, vocabulary.place);
  }
}

void surround(const GgufVocabulary& vocabulary, bool adds_bos, TokenizerParts& parts) {
  const bool before = vocabulary.add_bos.value_or(adds_bos) && parts.names.bos;
  const bool after = vocabulary.add_eos.value_or(false) && parts.names.eos;
  parts.post_processor = make_template(parts, before ? parts.names.bos : std::nullopt,
                                       after ? parts.names.eos : std::nullopt);
}

void read_byte_level(const GgufVocabulary& vocabulary, TokenizerParts& parts) {
  const auto& family = family_of(vocabulary);
  if (vocabulary.merges.empty())
    fail(vocabulary.place, ": tokenizer.ggml.merges is missing or empty");
  for (const auto& merge : vocabulary.merges) {
    // A token may begin with a space in vocabularies that are not byte-level; none ends with one.
    const auto space = merge.find(' ', 1);
    if (merge.empty() || space == std::string::npos) {
      fail(vocabulary.place, ": merge ", parts.merges.size(), " must be two tokens");
    }
    parts.merges.emplace_back(merge.substr(0, space), merge.substr(space + 1));
  }
  parts.bpe.ignore_merges = family.ignore_merges;
  if (family.composes) parts.normalizer = {{"type", "NFC"}};
  parts.pre_tokenizer = family.pre_tokenizer();
  if (vocabulary.add_space_prefix.value_or(false)) add_prefix_space(parts.pre_tokenizer);
  parts.decoder = byte_level_decoder();
  surround(vocabulary, family.adds_bos, parts);
}

/// Every way to put a token together from two others, in the order in which SentencePiece would: by
/// the score of the whole, then as the whole stands in the vocabulary, then by the ids of the two.
std::vector<MergePair> merges_of(const GgufVocabulary& vocabulary, const TokenizerParts& parts) {
  struct Way {
    float score;
    std::int64_t whole, left, right;
  };
  std::vector<Way> ways;
  for (std::size_t i = 0; i < vocabulary.tokens.size(); ++i) {
    const std::string_view token = vocabulary.tokens[i];
    if (!vocabulary.types.empty() && is(vocabulary.types[i], GgufToken::kControl)) continue;
    for (std::size_t cut = 0; cut < token.size();) {
      cut += character_at(token, cut).bytes;
      const auto left = parts.vocabulary.id_of(token.substr(0, cut));
      const auto right = left ? parts.vocabulary.id_of(token.substr(cut)) : std::nullopt;
      if (right)
        ways.push_back({vocabulary.scores[i], static_cast<std::int64_t>(i), *left, *right});
    }
  }
  std::sort(ways.begin(), ways.end(), [](const Way& a, const Way& b) {
    return std::tie(b.score, a.whole, a.left, a.right) <
           std::tie(a.score, b.whole, b.left, b.right);
  });
  std::vector<MergePair> merges;
  merges.reserve(ways.size());
  for (const auto& way : ways) {
    merges.emplace_back(*parts.vocabulary.find(way.left), *parts.vocabulary.find(way.right));
  }
  return merges;
}

void read_sentencepiece(const GgufVocabulary& vocabulary, TokenizerParts& parts) {
  const auto& place = vocabulary.place;
  if (vocabulary.scores.size() != vocabulary.tokens.size()) {
    fail(place, ": tokenizer.ggml.scores has ", vocabulary.scores.size(), " entries for ",
         vocabulary.tokens.size(), " tokens");
  }
  for (const float score : vocabulary.scores) {
    if (!(score == score)) fail(place, ": tokenizer.ggml.scores has an entry that is not a number");
  }
  parts.merges = merges_of(vocabulary, parts);
  parts.bpe.byte_fallback = true;
  parts.bpe.fuse_unk = true;
  parts.bpe.unk_token = parts.names.unk.value_or("");
  const bool prefix = vocabulary.add_space_prefix.value_or(true);
  parts.normalizer = space_marker_normalizer(prefix);
  parts.decoder = space_marker_decoder(prefix);
  surround(vocabulary, true, parts);
}

}  // namespace

TokenizerParts parts_of(const GgufVocabulary& vocabulary) {
  check(vocabulary);
  TokenizerParts parts;
  parts.place = vocabulary.place;
  parts.chat_template = vocabulary.chat_template;
  add_tokens(vocabulary, parts);
  name_tokens(vocabulary, parts);
  if (vocabulary.model == "gpt2") {
    read_byte_level(vocabulary, parts);
  } else if (vocabulary.model == "llama") {
    read_sentencepiece(vocabulary, parts);
  } else {
    fail(vocabulary.place, ": tokenizer.ggml.model ", quote(vocabulary.model),
         " is not supported, gpt2 and llama are");
  }
  return parts;
}

}  // namespace hone
