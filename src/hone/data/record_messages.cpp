#include <array>
#include <string_view>
#include <utility>

#include <hone/base/error.h>
#include <hone/data/record_fields.h>
#include <hone/data/record_messages.h>

namespace hone {
namespace {

struct MappedRole {
  std::string_view from;
  std::string_view to;
};
constexpr std::string_view kFunctionCall = "function_call";
constexpr std::array kRoles = {MappedRole{"system", "system"},
                               MappedRole{"developer", "developer"},
                               MappedRole{"user", "user"},
                               MappedRole{"human", "user"},
                               MappedRole{"assistant", "assistant"},
                               MappedRole{"gpt", "assistant"},
                               MappedRole{"bot", "assistant"},
                               MappedRole{"chatgpt", "assistant"},
                               MappedRole{"model", "assistant"},
                               MappedRole{"tool", "tool"},
                               MappedRole{"observation", "tool"},
                               MappedRole{"function_response", "tool"},
                               MappedRole{kFunctionCall, kFunctionCall}};

std::string map_role(const std::string& role, const std::string& place, const MessageTags& tags) {
  const auto named = tags.roles.find(role);
  const std::string_view wanted = named == tags.roles.end() ? role : named->second;
  for (const auto& known : kRoles) {
    if (known.from == wanted) return std::string(known.to);
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

/// The calls of a ShareGPT turn `function_call`, whose text is a JSON object with `name` and
/// `arguments`, or an array of such, as OpenAI's `tool_calls`.
Json tool_calls_of(const std::string& text, const std::string& place) {
  auto calls = parse_json(text, place + ": function_call");
  if (calls.is_object()) calls = Json::array({std::move(calls)});
  Json tool_calls = Json::array();
  for (auto& call : calls) {
    if (!call.is_object() || !call.contains("name") || !call.contains("arguments"))
      fail(place, ": a function_call must be a JSON object with \"name\" and \"arguments\"");
    Json wrapped = Json::object();
    wrapped["type"] = "function";
    wrapped["function"] = std::move(call);
    tool_calls.push_back(std::move(wrapped));
  }
  return tool_calls;
}

}  // namespace

Json parse_message(const Json& message, const std::string& place, const MessageTags& tags) {
  if (!message.is_object()) fail(place, ": a message must be an object, got ", message.type_name());
  const bool is_share_gpt = message.contains("from");
  const std::string role_key = !tags.role_key.empty() ? tags.role_key
                               : is_share_gpt         ? "from"
                                                      : "role";
  const std::string content_key = !tags.content_key.empty() ? tags.content_key
                                  : is_share_gpt            ? "value"
                                                            : "content";
  if (const auto* weight = member(message, "weight"); weight != nullptr && *weight != 1) {
    fail(place, ": message weights other than 1 are not supported");
  }
  Json parsed = Json::object();
  parsed["role"] = map_role(text_member(message, role_key.c_str(), place), place, tags);
  parsed["content"] = content_of(message, content_key.c_str(), place);
  if (parsed["role"] == kFunctionCall) {
    parsed["tool_calls"] = tool_calls_of(parsed["content"].get<std::string>(), place);
    parsed["role"] = "assistant";
    parsed["content"] = "";
  }
  for (const auto& [key, value] : message.items()) {
    if (key == role_key || key == content_key || key == "weight" || value.is_null()) continue;
    parsed[key] = value;
  }
  return parsed;
}

Json parse_messages(const Json& row,
                    const char* key,
                    const std::string& place,
                    const MessageTags& tags) {
  const auto* array = member(row, key);
  if (array == nullptr || !array->is_array()) {
    fail(place, ": \"", key, "\" must be an array of messages, got ", type_name(array));
  }
  if (array->empty()) fail(place, ": \"", key, "\" is empty");
  Json messages = Json::array();
  for (const auto& message : *array) {
    messages.push_back(
        parse_message(message, concat(place, ": ", key, "[", messages.size(), "]"), tags));
  }
  return messages;
}

Json text_message(const char* role, std::string text) {
  Json message = Json::object();
  message["role"] = role;
  message["content"] = std::move(text);
  return message;
}

Json system_message_of(const Json& row, const std::string& place) {
  auto messages = Json::array();
  auto text = optional_text(row, "system", place);
  if (!text.empty()) messages.push_back(text_message("system", std::move(text)));
  return messages;
}

Json instruction_messages(const Json& row, const std::string& place) {
  auto messages = system_message_of(row, place);
  if (const auto* history = member(row, "history")) {
    for (const auto& turn : *history) {
      if (!turn.is_array() || turn.size() != 2 || !turn[0].is_string() || !turn[1].is_string()) {
        fail(place, ": \"history\" must be an array of pairs of strings");
      }
      messages.push_back(text_message("user", turn[0].get<std::string>()));
      messages.push_back(text_message("assistant", turn[1].get<std::string>()));
    }
  }
  auto request = text_member(row, "instruction", place);
  const auto input = optional_text(row, "input", place);
  if (!input.empty()) request += "\n" + input;
  messages.push_back(text_message("user", std::move(request)));
  return messages;
}

}  // namespace hone
