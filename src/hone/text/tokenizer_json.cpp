#include <algorithm>
#include <utility>

#include <hone/base/error.h>
#include <hone/base/utf8.h>
#include <hone/text/json_fields.h>
#include <hone/text/tokenizer_json.h>

namespace hone {
namespace {

void read_vocabulary(const JsonFields& model, Vocabulary& vocabulary) {
  const auto place = model.place_of("vocab");
  for (const auto& [token, id] : model.object("vocab").items()) {
    if (!id.is_number_integer())
      fail_type(concat(place, ": the id of ", quote(token)), "an integer", id);
    vocabulary.add(id.get<std::int64_t>(), token, place);
  }
  if (vocabulary.count() == 0) fail(place, " is empty");
}

MergePair read_merge(const Json& entry, std::size_t rank, const std::string& place) {
  if (entry.is_array() && entry.size() == 2 && entry[0].is_string() && entry[1].is_string()) {
    return {entry[0].get<std::string>(), entry[1].get<std::string>()};
  }
  if (entry.is_string()) {
    const auto& text = entry.get_ref<const std::string&>();
    const auto space = text.find(' ');
    if (space != std::string::npos && text.find(' ', space + 1) == std::string::npos) {
      return {text.substr(0, space), text.substr(space + 1)};
    }
  }
  fail(place, ": merge ", rank, " must be two tokens");
}

/// Settings that would change ids and that no byte-level or byte-fallback tokenizer uses.
void refuse_others(const JsonFields& model) {
  for (const char* name : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    if (!model.string(name, "").empty()) fail(model.place_of(name), " is not supported");
  }
  const auto* dropout = model.find("dropout");
  if (dropout != nullptr && *dropout != 0) fail(model.place_of("dropout"), " is not supported");
}

void read_model(const Json& description, TokenizerParts& parts) {
  const JsonFields model(description, concat(parts.place, ": model"));
  const auto type = model.string("type", "BPE");
  if (type != "BPE")
    fail(model.place_of("type"), " ", quote(type), " is not supported, only BPE is");
  refuse_others(model);
  parts.bpe.unk_token = model.string("unk_token", "");
  parts.bpe.fuse_unk = model.boolean("fuse_unk", false);
  parts.bpe.byte_fallback = model.boolean("byte_fallback", false);
  parts.bpe.ignore_merges = model.boolean("ignore_merges", false);
  read_vocabulary(model, parts.vocabulary);
  const auto& merges = model.array("merges");
  parts.merges.reserve(merges.size());
  for (const auto& entry : merges) {
    parts.merges.push_back(read_merge(entry, parts.merges.size(), model.place()));
  }
}

Json write_added_tokens(std::vector<AddedToken> tokens) {
  std::sort(tokens.begin(), tokens.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  Json out = Json::array();
  for (const auto& token : tokens) {
    out.push_back({{"id", token.id},
                   {"content", token.content},
                   {"single_word", token.single_word},
                   {"lstrip", token.lstrip},
                   {"rstrip", token.rstrip},
                   {"normalized", token.normalized},
                   {"special", token.special}});
  }
  return out;
}

Json write_model(const TokenizerParts& parts) {
  // Members are appended without the search that `[]` would make: there are tens of thousands.
  Json vocabulary = Json::object();
  auto& members = vocabulary.get_ref<Json::object_t&>();
  members.reserve(parts.vocabulary.count());
  for (std::int64_t id = 0; id < parts.vocabulary.size(); ++id) {
    if (const auto* token = parts.vocabulary.find(id)) {
      members.Json::object_t::Container::emplace_back(*token, id);
    }
  }
  Json merges = Json::array();
  for (const auto& [left, right] : parts.merges) merges.push_back(Json::array({left, right}));
  return {{"type", "BPE"},
          {"dropout", nullptr},
          {"unk_token", parts.bpe.unk_token.empty() ? Json() : Json(parts.bpe.unk_token)},
          {"continuing_subword_prefix", nullptr},
          {"end_of_word_suffix", nullptr},
          {"fuse_unk", parts.bpe.fuse_unk},
          {"byte_fallback", parts.bpe.byte_fallback},
          {"ignore_merges", parts.bpe.ignore_merges},
          {"vocab", std::move(vocabulary)},
          {"merges", std::move(merges)}};
}

Json part_of(const JsonFields& file, std::string_view name) {
  const auto* part = file.find(name);
  return part == nullptr ? Json() : *part;
}

}  // namespace

AddedToken read_added_token(const Json& entry, std::int64_t id, const std::string& place) {
  const JsonFields fields(entry, place);
  AddedToken token{id, fields.string("content")};
  token.single_word = fields.boolean("single_word", false);
  token.lstrip = fields.boolean("lstrip", false);
  token.rstrip = fields.boolean("rstrip", false);
  token.special = fields.boolean("special", false);
  token.normalized = fields.boolean("normalized", !token.special);
  return token;
}

TokenizerParts read_tokenizer_json(const Json& file, const std::string& place) {
  const JsonFields fields(file, place);
  TokenizerParts parts;
  parts.place = place;
  read_model(fields.object("model"), parts);
  if (fields.find("added_tokens") != nullptr) {
    const auto added_place = fields.place_of("added_tokens");
    for (const auto& entry : fields.array("added_tokens")) {
      const auto id = JsonFields(entry, added_place).integer("id");
      if (id < 0) fail(added_place, ": id ", id, " is negative");
      add_token(parts, read_added_token(entry, id, added_place), added_place);
    }
  }
  parts.normalizer = part_of(fields, "normalizer");
  parts.pre_tokenizer = part_of(fields, "pre_tokenizer");
  parts.post_processor = part_of(fields, "post_processor");
  parts.decoder = part_of(fields, "decoder");
  return parts;
}

Json write_tokenizer_json(const TokenizerParts& parts) {
  return {{"version", "1.0"},
          {"truncation", nullptr},
          {"padding", nullptr},
          {"added_tokens", write_added_tokens(parts.added_tokens)},
          {"normalizer", parts.normalizer},
          {"pre_tokenizer", parts.pre_tokenizer},
          {"post_processor", parts.post_processor},
          {"decoder", parts.decoder},
          {"model", write_model(parts)}};
}

}  // namespace hone
