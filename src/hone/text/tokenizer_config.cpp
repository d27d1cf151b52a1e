#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

#include <hone/base/error.h>
#include <hone/base/files.h>
#include <hone/base/utf8.h>
#include <hone/text/json_fields.h>
#include <hone/text/tokenizer_config.h>
#include <hone/text/tokenizer_json.h>

namespace hone {
namespace {

namespace fs = std::filesystem;

/// A token written as a string or as an object with its content.
std::string token_text(const Json& value, const std::string& place) {
  if (value.is_string()) return value.get<std::string>();
  return JsonFields(value, place).string("content");
}

void read_name(const Json& file,
               const JsonFields& fields,
               const char* key,
               std::optional<std::string>& name) {
  const auto found = file.find(key);
  if (found == file.end()) return;
  name.reset();
  if (!found->is_null()) name = token_text(*found, fields.place_of(key));
}

void read_names(const Json& file, const JsonFields& fields, TokenizerParts& parts) {
  read_name(file, fields, "bos_token", parts.names.bos);
  read_name(file, fields, "eos_token", parts.names.eos);
  read_name(file, fields, "pad_token", parts.names.pad);
  read_name(file, fields, "unk_token", parts.names.unk);
  for (const char* key : {"additional_special_tokens", "extra_special_tokens"}) {
    const auto* list = fields.find(key);
    if (list == nullptr || !list->is_array()) continue;
    for (const auto& token : *list) {
      add_special_token(parts, token_text(token, fields.place_of(key)), fields.place());
    }
  }
}

std::int64_t parse_id(const std::string& text, const std::string& place) {
  std::int64_t id = -1;
  const auto* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, id);
  if (error != std::errc() || stop != end || id < 0)
    fail(place, ": ", quote(text), " is no token id");
  return id;
}

void read_added_tokens(const JsonFields& fields, TokenizerParts& parts) {
  if (fields.find("added_tokens_decoder") == nullptr) return;
  const auto place = fields.place_of("added_tokens_decoder");
  std::vector<AddedToken> tokens;
  for (const auto& [id, entry] : fields.object("added_tokens_decoder").items()) {
    tokens.push_back(read_added_token(entry, parse_id(id, place), place));
  }
  std::sort(tokens.begin(), tokens.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  for (auto& token : tokens) add_token(parts, std::move(token), place);
}

/// One template as a string, or several by name, of which the one called "default" counts.
void read_chat_template(const JsonFields& fields, TokenizerParts& parts) {
  const auto* value = fields.find("chat_template");
  if (value == nullptr) return;
  if (value->is_string()) {
    parts.chat_template = value->get<std::string>();
    return;
  }
  const auto place = fields.place_of("chat_template");
  if (!value->is_array()) fail_type(place, "a string or an array", *value);
  for (const auto& entry : *value) {
    const JsonFields named(entry, place);
    if (named.string("name") == "default") parts.chat_template = named.string("template");
  }
}

std::optional<bool> flag(const JsonFields& fields, const char* key) {
  if (fields.find(key) == nullptr) return std::nullopt;
  return fields.boolean(key, false);
}

/// Tokens by text, as older folders have them beside vocab.json or tokenizer.model.
void read_added_tokens_file(const fs::path& path, TokenizerParts& parts) {
  const auto file = read_json(path);
  if (!file.is_object()) fail_type(path.string(), "an object", file);
  std::vector<AddedToken> tokens;
  for (const auto& [content, id] : file.items()) {
    if (!id.is_number_integer())
      fail_type(concat(path.string(), ": the id of ", quote(content)), "an integer", id);
    tokens.push_back({id.get<std::int64_t>(), content});
    if (tokens.back().id < 0) fail(path.string(), ": ", quote(content), " has a negative id");
  }
  std::sort(tokens.begin(), tokens.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  for (auto& token : tokens) {
    if (!id_of(parts, token.content)) add_token(parts, std::move(token), path.string());
  }
}

}  // namespace

TokenizerConfig read_tokenizer_config(const fs::path& folder, TokenizerParts& parts) {
  TokenizerConfig config;
  if (const auto path = folder / "added_tokens.json"; fs::exists(path)) {
    read_added_tokens_file(path, parts);
  }
  if (const auto path = folder / "special_tokens_map.json"; fs::exists(path)) {
    const auto file = read_json(path);
    const JsonFields fields(file, path.string());
    read_names(file, fields, parts);
  }
  if (const auto path = folder / "tokenizer_config.json"; fs::exists(path)) {
    const auto file = read_json(path);
    const JsonFields fields(file, path.string());
    read_added_tokens(fields, parts);
    read_names(file, fields, parts);
    read_chat_template(fields, parts);
    config = {fields.string("tokenizer_class", ""), flag(fields, "add_bos_token"),
              flag(fields, "add_eos_token"), flag(fields, "legacy"),
              flag(fields, "add_prefix_space")};
  }
  if (const auto path = folder / "chat_template.jinja"; fs::exists(path)) {
    parts.chat_template = read_file(path);
    if (const auto offset = find_invalid_utf8(parts.chat_template)) {
      fail(path.string(), ": is not UTF-8 at byte offset ", *offset);
    }
  }
  return config;
}

void add_named_tokens(TokenizerParts& parts) {
  for (const auto& name : {parts.names.bos, parts.names.eos, parts.names.unk, parts.names.pad}) {
    if (name && !name->empty()) add_special_token(parts, *name, parts.place);
  }
}

void set_bos_and_eos(TokenizerParts& parts, bool add_bos, bool add_eos) {
  parts.post_processor = make_template(parts, add_bos ? parts.names.bos : std::nullopt,
                                       add_eos ? parts.names.eos : std::nullopt);
}

}  // namespace hone
