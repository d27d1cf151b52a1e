#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include <hone/base/error.h>
#include <hone/data/record.h>

namespace hone {
namespace {

struct NamedFormat {
  const char* name;
  RecordFormat format;
};
constexpr std::array kFormats = {
    NamedFormat{"auto", RecordFormat::kAuto}, NamedFormat{"messages", RecordFormat::kMessages},
    NamedFormat{"prompt-completion", RecordFormat::kPromptCompletion},
    NamedFormat{"alpaca", RecordFormat::kAlpaca}, NamedFormat{"sharegpt", RecordFormat::kShareGpt}};

struct MappedRole {
  std::string_view from;
  std::string_view to;
};
constexpr std::array kRoles = {
    MappedRole{"system", "system"},       MappedRole{"developer", "developer"},
    MappedRole{"user", "user"},           MappedRole{"human", "user"},
    MappedRole{"assistant", "assistant"}, MappedRole{"gpt", "assistant"},
    MappedRole{"bot", "assistant"},       MappedRole{"chatgpt", "assistant"},
    MappedRole{"model", "assistant"},     MappedRole{"tool", "tool"},
    MappedRole{"observation", "tool"},    MappedRole{"function_response", "tool"}};

/// The member `key` of `object`; nothing where it is missing or null.
const Json* member(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

const char* type_name(const Json* value) {
  return value == nullptr ? "null" : value->type_name();
}

std::string text_member(const Json& object, const char* key, const std::string& place) {
  const auto* value = member(object, key);
  if (value == nullptr || !value->is_string()) {
    fail(place, ": \"", key, "\" must be a string, got ", type_name(value));
  }
  return value->get<std::string>();
}

std::string optional_text(const Json& object, const char* key, const std::string& place) {
  return member(object, key) == nullptr ? std::string() : text_member(object, key, place);
}

std::string keys_of(const Json& row) {
  std::string keys;
  for (const auto& [key, value] : row.items()) keys += (keys.empty() ? "" : ", ") + key;
  return keys.empty() ? "none" : keys;
}

std::string map_role(const Json& message, const char* key, const std::string& place) {
  const auto role = text_member(message, key, place);
  for (const auto& known : kRoles) {
    if (known.from == role) return std::string(known.to);
  }
  fail(place, ": unknown role \"", role, "\", expected system, user, assistant or tool");
}

/// Content given as a list of parts, joined where all of them are text.
std::string join_parts(const Json& parts, const std::string& place) {
  std::string text;
  for (const auto& part : parts) {
    const auto type = part.is_object() ? optional_text(part, "type", place) : std::string();
    if (type != "text") {
      fail(place, ": content has a part of type \"", type, "\"; only text can be trained on");
    }
    text += text_member(part, "text", place);
  }
  return text;
}

std::string content_of(const Json& message, const char* key, const std::string& place) {
  const auto* content = member(message, key);
  if (content != nullptr && content->is_array()) return join_parts(*content, place);
  if (content == nullptr && member(message, "tool_calls") != nullptr) return {};
  return text_member(message, key, place);
}

/// One message in its common form; further members are kept, null ones left out.
Json parse_message(const Json& message, const std::string& place) {
  if (!message.is_object()) fail(place, ": a message must be an object, got ", message.type_name());
  const bool is_share_gpt = message.contains("from");
  const char* role_key = is_share_gpt ? "from" : "role";
  const char* content_key = is_share_gpt ? "value" : "content";
  if (const auto* weight = member(message, "weight"); weight != nullptr && *weight != 1) {
    fail(place, ": message weights other than 1 are not supported");
  }
  Json parsed = Json::object();
  parsed["role"] = map_role(message, role_key, place);
  parsed["content"] = content_of(message, content_key, place);
  for (const auto& [key, value] : message.items()) {
    if (key == role_key || key == content_key || key == "weight" || value.is_null()) continue;
    parsed[key] = value;
  }
  return parsed;
}

Json parse_messages(const Json& row, const char* key, const std::string& place) {
  const auto* array = member(row, key);
  if (array == nullptr || !array->is_array()) {
    fail(place, ": \"", key, "\" must be an array of messages, got ", type_name(array));
  }
  if (array->empty()) fail(place, ": \"", key, "\" is empty");
  Json messages = Json::array();
  for (const auto& message : *array) {
    messages.push_back(parse_message(message, concat(place, ": ", key, "[", messages.size(), "]")));
  }
  return messages;
}

Json text_message(const char* role, std::string text) {
  Json message = Json::object();
  message["role"] = role;
  message["content"] = std::move(text);
  return message;
}

/// The row's own `system` text as a first message, where it has one.
void add_system(const Json& row, const std::string& place, Json& messages) {
  auto text = optional_text(row, "system", place);
  if (!text.empty()) messages.push_back(text_message("system", std::move(text)));
}

const char* completion_key(const Json& row) {
  return row.contains("completion") ? "completion" : "response";
}

void read_prompt_completion(const Json& row, Record& record) {
  const auto* prompt = member(row, "prompt");
  const char* key = completion_key(row);
  const auto* completion = member(row, key);
  const bool is_chat = prompt != nullptr && prompt->is_array();
  if (is_chat != (completion != nullptr && completion->is_array())) {
    fail(record.place, ": \"prompt\" and \"", key,
         "\" must both be texts or both be arrays of messages, got ", type_name(prompt), " and ",
         type_name(completion));
  }
  if (!is_chat) {
    record.prompt = text_member(row, "prompt", record.place);
    record.completion = text_member(row, key, record.place);
    return;
  }
  record.messages = parse_messages(row, "prompt", record.place);
  record.prompt_messages = record.messages.size();
  for (auto& message : parse_messages(row, key, record.place)) {
    record.messages.push_back(std::move(message));
  }
}

void read_alpaca(const Json& row, Record& record) {
  record.messages = Json::array();
  add_system(row, record.place, record.messages);
  if (const auto* history = member(row, "history")) {
    for (const auto& turn : *history) {
      if (!turn.is_array() || turn.size() != 2 || !turn[0].is_string() || !turn[1].is_string()) {
        fail(record.place, ": \"history\" must be an array of pairs of strings");
      }
      record.messages.push_back(text_message("user", turn[0].get<std::string>()));
      record.messages.push_back(text_message("assistant", turn[1].get<std::string>()));
    }
  }
  auto request = text_member(row, "instruction", record.place);
  const auto input = optional_text(row, "input", record.place);
  if (!input.empty()) request += "\n" + input;
  record.messages.push_back(text_message("user", std::move(request)));
  record.messages.push_back(text_message("assistant", text_member(row, "output", record.place)));
}

void read_share_gpt(const Json& row, Record& record) {
  record.messages = Json::array();
  add_system(row, record.place, record.messages);
  for (auto& message : parse_messages(row, "conversations", record.place)) {
    record.messages.push_back(std::move(message));
  }
}

/// The one layout whose keys the row has.
RecordFormat detect(const Json& row, const std::string& place) {
  std::optional<RecordFormat> found;
  const auto consider = [&](bool present, RecordFormat format) {
    if (!present) return;
    if (found) fail(place, ": fits several layouts, name one; its keys are ", keys_of(row));
    found = format;
  };
  consider(row.contains("messages"), RecordFormat::kMessages);
  consider(row.contains("conversations"), RecordFormat::kShareGpt);
  consider(row.contains("prompt") && (row.contains("completion") || row.contains("response")),
           RecordFormat::kPromptCompletion);
  consider(row.contains("instruction") && row.contains("output"), RecordFormat::kAlpaca);
  if (!found) {
    fail(place,
         ": expected messages, prompt with completion, instruction with output, or conversations; "
         "its keys are ",
         keys_of(row));
  }
  return *found;
}

}  // namespace

RecordFormat record_format(const std::string& name) {
  std::string names;
  for (const auto& known : kFormats) {
    if (name == known.name) return known.format;
    names += concat(names.empty() ? "" : ", ", known.name);
  }
  fail("format \"", name, "\" is not one of ", names);
}

Record parse_record(const Json& row, const std::string& place, RecordFormat format) {
  if (!row.is_object()) fail(place, ": an example must be an object, got ", row.type_name());
  if (format == RecordFormat::kAuto) format = detect(row, place);
  Record record;
  record.place = place;
  switch (format) {
    case RecordFormat::kAuto:
    case RecordFormat::kMessages:
      record.messages = parse_messages(row, "messages", place);
      break;
    case RecordFormat::kPromptCompletion:
      read_prompt_completion(row, record);
      break;
    case RecordFormat::kAlpaca:
      read_alpaca(row, record);
      break;
    case RecordFormat::kShareGpt:
      read_share_gpt(row, record);
      break;
  }
  if (const auto* tools = member(row, "tools")) {
    if (!tools->is_array()) fail(place, ": \"tools\" must be an array, got ", tools->type_name());
    record.tools = *tools;
  }
  return record;
}

ColumnNames::value_type column_name(const std::string& text) {
  const auto equals = text.find('=');
  if (equals == 0 || equals == std::string::npos || equals + 1 == text.size())
    fail("a column is named as prompt=question, got \"", text, "\"");
  return {text.substr(0, equals), text.substr(equals + 1)};
}

Json with_column_names(const Json& row, const ColumnNames& columns, const std::string& place) {
  if (columns.empty() || !row.is_object()) return row;
  auto result = row;
  for (const auto& [key, column] : columns) {
    if (!row.contains(column))
      fail(place, ": has no \"", column, "\" for the ", key, "; its keys are ", keys_of(row));
    result.erase(column);
  }
  for (const auto& [key, column] : columns) result[key] = row.at(column);
  return result;
}

}  // namespace hone
