#include <algorithm>
#include <utility>

#include <hone/base/error.h>
#include <hone/base/utf8.h>
#include <hone/text/json_fields.h>
#include <hone/text/tokenizer_parts.h>

namespace hone {
namespace {

AddedToken* find_added(TokenizerParts& parts, std::string_view content) {
  const auto found = std::find_if(parts.added_tokens.begin(), parts.added_tokens.end(),
                                  [&](const auto& token) { return token.content == content; });
  return found == parts.added_tokens.end() ? nullptr : &*found;
}

std::int64_t next_id(const TokenizerParts& parts) {
  auto next = parts.vocabulary.size();
  for (const auto& token : parts.added_tokens) next = std::max(next, token.id + 1);
  return next;
}

void check_id(const TokenizerParts& parts, const AddedToken& token, const std::string& place) {
  const auto clash = [&](const std::string& other) {
    fail(place, ": id ", token.id, " belongs to both ", quote(other), " and ",
         quote(token.content));
  };
  const auto* there = parts.vocabulary.find(token.id);
  if (there != nullptr && *there != token.content) clash(*there);
  for (const auto& other : parts.added_tokens) {
    if (other.id == token.id) clash(other.content);
  }
  constexpr std::int64_t kLargestGap = 1 << 20;
  if (token.id > next_id(parts) + kLargestGap) {
    fail(place, ": token ", quote(token.content), " has the impossible id ", token.id);
  }
}

void read_template(const JsonFields& fields, Surroundings& out) {
  std::vector<std::int64_t> before;
  std::vector<std::int64_t> after;
  bool seen_text = false;
  const JsonFields special(fields.object("special_tokens"), fields.place_of("special_tokens"));
  for (const auto& item : fields.array("single")) {
    const JsonFields member(item, fields.place_of("single"));
    if (member.find("Sequence") != nullptr) {
      if (seen_text) fail(fields.place(), ": a template with the text twice is not supported");
      seen_text = true;
      continue;
    }
    const JsonFields token(member.object("SpecialToken"), member.place_of("SpecialToken"));
    const JsonFields entry(special.object(token.string("id")), special.place());
    for (const auto& id : entry.array("ids")) {
      if (!id.is_number_integer()) fail_type(entry.place_of("ids"), "integers", id);
      (seen_text ? after : before).push_back(id.get<std::int64_t>());
    }
  }
  out.before.insert(out.before.begin(), before.begin(), before.end());
  out.after.insert(out.after.end(), after.begin(), after.end());
}

/// The id in a pair such as ["</s>", 2].
std::int64_t read_pair(const JsonFields& fields, std::string_view name) {
  const auto& pair = fields.array(name);
  if (pair.size() != 2 || !pair[1].is_number_integer()) {
    fail(fields.place_of(name), " must be a token and its id");
  }
  return pair[1].get<std::int64_t>();
}

void read_post_processor(const Json& description, const std::string& place, Surroundings& out) {
  if (description.is_null()) return;
  const JsonFields fields(description, place);
  const auto type = fields.string("type");
  if (type == "Sequence") {
    for (const auto& member : fields.array("processors")) read_post_processor(member, place, out);
  } else if (type == "TemplateProcessing") {
    read_template(fields, out);
  } else if (type == "RobertaProcessing" || type == "BertProcessing") {
    out.before.insert(out.before.begin(), read_pair(fields, "cls"));
    out.after.push_back(read_pair(fields, "sep"));
  } else if (type != "ByteLevel") {  // which moves offsets alone
    fail(place, ": type ", quote(type), " is not supported");
  }
}

}  // namespace

std::optional<std::int64_t> id_of(const TokenizerParts& parts, std::string_view token) {
  for (const auto& added : parts.added_tokens) {
    if (added.content == token) return added.id;
  }
  return parts.vocabulary.id_of(token);
}

void add_token(TokenizerParts& parts, AddedToken token, const std::string& place) {
  if (token.content.empty()) return;
  const auto known = id_of(parts, token.content);
  if (token.id >= 0 && known && *known != token.id) {
    fail(place, ": token ", quote(token.content), " has two ids, ", *known, " and ", token.id);
  }
  if (token.id < 0) token.id = known.value_or(next_id(parts));
  if (auto* added = find_added(parts, token.content)) {
    *added = std::move(token);
    return;
  }
  check_id(parts, token, place);
  parts.added_tokens.push_back(std::move(token));
}

void add_special_token(TokenizerParts& parts,
                       const std::string& content,
                       const std::string& place) {
  if (auto* added = find_added(parts, content)) {
    added->special = true;
    return;
  }
  AddedToken token{-1, content};
  token.special = true;
  add_token(parts, std::move(token), place);
}

Json make_template(const TokenizerParts& parts,
                   const std::optional<std::string>& before,
                   const std::optional<std::string>& after) {
  const auto member = [](const char* kind, const std::string& id, int type) {
    return Json{{kind, {{"id", id}, {"type_id", type}}}};
  };
  Json special = Json::object();
  for (const auto& name : {before, after}) {
    if (!name) continue;
    special[*name] = {{"id", *name},
                      {"ids", Json::array({id_of(parts, *name).value()})},
                      {"tokens", Json::array({*name})}};
  }
  Json single = Json::array();
  Json pair = Json::array();
  for (const int type : {0, 1}) {
    for (auto* list : {&single, &pair}) {
      if (list == &single && type == 1) continue;
      if (before) list->push_back(member("SpecialToken", *before, type));
      list->push_back(member("Sequence", type == 0 ? "A" : "B", type));
      if (after) list->push_back(member("SpecialToken", *after, type));
    }
  }
  return {{"type", "TemplateProcessing"},
          {"single", single},
          {"pair", pair},
          {"special_tokens", special}};
}

Surroundings read_post_processor(const Json& description, const std::string& place) {
  Surroundings out;
  read_post_processor(description, place, out);
  return out;
}

}  // namespace hone
