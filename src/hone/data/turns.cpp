#include <string>

#include <hone/data/turns.h>

namespace hone {
namespace {

std::string role_of(const Json& message) {
  return message["role"].get<std::string>();
}

/// Whether `next` continues the turn of `turn`, as text alone.
bool continues_turn(const Json& turn, const Json& next) {
  const auto role = role_of(next);
  return role_of(turn) == role && (role == "user" || role == "assistant") && turn.size() == 2 &&
         next.size() == 2;
}

}  // namespace

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

bool is_reply(const Json& message) {
  return message["role"] == "assistant";
}

bool is_empty_reply(const Json& message) {
  return is_reply(message) && !message.contains("tool_calls") &&
         is_blank(message["content"].get_ref<const std::string&>());
}

bool append_turn(Json& messages, const Json& message) {
  if (messages.empty() || !continues_turn(messages.back(), message)) {
    messages.push_back(message);
    return false;
  }
  messages.back()["content"] =
      messages.back()["content"].get<std::string>() + "\n" + message["content"].get<std::string>();
  return true;
}

}  // namespace hone
