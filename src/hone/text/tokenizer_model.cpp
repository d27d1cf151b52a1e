#include <algorithm>
#include <utility>

#include <hone/base/error.h>
#include <hone/base/utf8.h>
#include <hone/text/content_hash.h>
#include <hone/text/tokenizer_model.h>
#include <hone/text/unicode.h>

namespace hone {
namespace {

BpePipeline make_pipeline(TokenizerParts& parts) {
  Normalizer normalizer(parts.normalizer, parts.place + ": normalizer");
  PreTokenizer pre_tokenizer(parts.pre_tokenizer, parts.place + ": pre_tokenizer");
  std::vector<std::int64_t> control_ids;
  for (const auto& token : parts.added_tokens) {
    if (token.special) control_ids.push_back(token.id);
  }
  auto bpe =
      std::make_unique<const Bpe>(parts.vocabulary, parts.merges, parts.bpe,
                                  pre_tokenizer.maps_bytes(), control_ids, parts.place + ": model");
  parts.merges = {};
  return {std::move(normalizer), std::move(pre_tokenizer), std::move(bpe)};
}

}  // namespace

Tokenizer::Model::Model(TokenizerParts parts)
    : parts_(std::move(parts)), pipeline_(make_pipeline(parts_)) {
  prepare();
}

Tokenizer::Model::Model(TokenizerParts parts, SentencePiecePipeline pipeline)
    : parts_(std::move(parts)), pipeline_(std::move(pipeline)) {
  prepare();
}

void Tokenizer::Model::prepare() {
  size_ = parts_.vocabulary.size();
  for (const auto& token : parts_.added_tokens) {
    size_ = std::max(size_, token.id + 1);
    added_ids_.emplace(token.content, token.id);
  }
  added_ = AddedTokens(parts_.added_tokens,
                       [&](std::string_view text) { return normalize(text, true); });
  decoder_ = TokenDecoder(parts_.decoder, parts_.place + ": decoder");
  surroundings_ = read_post_processor(parts_.post_processor, parts_.place + ": post_processor");
  for (const auto* list : {&surroundings_.before, &surroundings_.after}) {
    for (const auto id : *list) token_of(id);
  }
  const auto role = [&](const std::optional<std::string>& name) {
    return name ? id_of(*name) : std::nullopt;
  };
  bos_ = role(parts_.names.bos);
  eos_ = role(parts_.names.eos);
  pad_ = role(parts_.names.pad);
  hash_ = compute_hash();
}

std::string Tokenizer::Model::normalize(std::string_view text, bool prefix) const {
  const auto* bpe = std::get_if<BpePipeline>(&pipeline_);
  return bpe == nullptr ? std::string(text) : bpe->normalizer.apply(text, prefix);
}

void Tokenizer::Model::encode_part(std::string_view text,
                                   PreTokenizer::Position position,
                                   bool parse_special,
                                   std::vector<std::int64_t>& ids) const {
  if (const auto* pieces = std::get_if<SentencePiecePipeline>(&pipeline_)) {
    const bool wanted = position.begins_text || pieces->prefixes_every_part;
    return pieces->model.encode(text, position.prefix && wanted, ids);
  }
  const auto& pipeline = std::get<BpePipeline>(pipeline_);
  std::string rewritten;
  if (!pipeline.normalizer.is_identity()) {
    rewritten = pipeline.normalizer.apply(text, position.prefix);
    text = rewritten;
  }
  const auto* begin = text.data();
  added_.split_normalized(
      text, parse_special, [&](std::int64_t id) { ids.push_back(id); },
      [&](std::string_view part) {
        const bool first = part.data() == begin;
        const auto pieces = pipeline.pre_tokenizer.split(
            part, {position.begins_text && first, position.prefix || !first});
        for (const auto& piece : pieces.views) pipeline.bpe->encode(piece, ids);
      });
}

std::vector<std::int64_t> Tokenizer::Model::encode(std::string_view text,
                                                   const EncodeOptions& options) const {
  if (const auto offset = find_invalid_utf8(text)) {
    fail("the text is not UTF-8 at byte offset ", *offset, " of ", text.size());
  }
  std::vector<std::int64_t> ids;
  if (options.add_special_tokens) ids = surroundings_.before;
  added_.split_raw(
      text, options.parse_special_tokens, [&](std::int64_t id) { ids.push_back(id); },
      [&](std::string_view part) {
        const bool first = part.data() == text.data();
        encode_part(part, {first, !(first && options.continuation)}, options.parse_special_tokens,
                    ids);
      });
  if (options.add_special_tokens) {
    ids.insert(ids.end(), surroundings_.after.begin(), surroundings_.after.end());
  }
  return ids;
}

void Tokenizer::Model::decode(std::int64_t id,
                              bool skip_special,
                              DecodeState& state,
                              std::string& out) const {
  const auto& token = token_of(id);
  const auto* added = added_.find(id);
  if (added != nullptr && added->special && skip_special) return;
  decoder_.push(token, added != nullptr, state, out);
}

std::optional<std::int64_t> Tokenizer::Model::id_of(std::string_view token) const {
  const auto added = added_ids_.find(token);
  return added == added_ids_.end() ? parts_.vocabulary.id_of(token) : added->second;
}

const std::string& Tokenizer::Model::token_of(std::int64_t id) const {
  if (const auto* added = added_.find(id)) return added->content;
  if (const auto* token = parts_.vocabulary.find(id)) return *token;
  fail(parts_.place, ": no token has the id ", id, "; the vocabulary has ", size_, " ids");
}

bool Tokenizer::Model::is_special(std::int64_t id) const {
  const auto* added = added_.find(id);
  return added != nullptr && added->special;
}

const SentencePiecePipeline* Tokenizer::Model::sentencepiece() const {
  return std::get_if<SentencePiecePipeline>(&pipeline_);
}

TokenizerParts Tokenizer::Model::parts() const {
  auto parts = parts_;
  if (const auto* pipeline = std::get_if<BpePipeline>(&pipeline_)) {
    for (const auto& [left, right] : pipeline->bpe->merges()) {
      parts.merges.emplace_back(*parts.vocabulary.find(left), *parts.vocabulary.find(right));
    }
  }
  return parts;
}

std::string Tokenizer::Model::compute_hash() const {
  ContentHash hash;
  for (std::int64_t id = 0; id < parts_.vocabulary.size(); ++id) {
    const auto* token = parts_.vocabulary.find(id);
    hash.add(token == nullptr ? std::int64_t{-1} : id).add(token == nullptr ? "" : *token);
  }
  if (const auto* pipeline = std::get_if<BpePipeline>(&pipeline_)) {
    for (const auto& [left, right] : pipeline->bpe->merges()) hash.add(left).add(right);
    const auto& settings = pipeline->bpe->settings();
    hash.add(settings.unk_token)
        .add(settings.fuse_unk)
        .add(settings.byte_fallback)
        .add(settings.ignore_merges);
  } else {
    const auto& pieces = std::get<SentencePiecePipeline>(pipeline_);
    hash.add(pieces.model.bytes()).add(pieces.prefixes_every_part);
  }
  auto added = parts_.added_tokens;
  std::sort(added.begin(), added.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  for (const auto& token : added) {
    hash.add(token.id).add(token.content).add(token.single_word).add(token.lstrip);
    hash.add(token.rstrip).add(token.normalized).add(token.special);
  }
  hash.add_json(parts_.normalizer).add_json(parts_.pre_tokenizer);
  for (const auto* list : {&surroundings_.before, &surroundings_.after}) {
    hash.add(static_cast<std::int64_t>(list->size()));
    for (const auto id : *list) hash.add(id);
  }
  return hash.hex();
}

}  // namespace hone
