#include <algorithm>

#include <hone/base/error.h>
#include <hone/data/hh_dialogue.h>
#include <hone/data/record_messages.h>

namespace hone {
namespace {

constexpr std::string_view kHuman = "\n\nHuman:", kAssistant = "\n\nAssistant:";

}  // namespace

bool is_hh_dialogue(std::string_view text) {
  return text.starts_with(kHuman);
}

Json hh_messages(std::string_view text, const std::string& place) {
  if (!is_hh_dialogue(text))
    fail(place, ": a dialogue must start with an empty line and \"Human:\"");
  auto messages = Json::array();
  while (!text.empty()) {
    const bool is_human = text.starts_with(kHuman);
    text.remove_prefix(is_human ? kHuman.size() : kAssistant.size());
    if (text.starts_with(' ')) text.remove_prefix(1);
    const auto turn = text.substr(0, std::min(text.find(kHuman), text.find(kAssistant)));
    messages.push_back(text_message(is_human ? "user" : "assistant", std::string(turn)));
    text.remove_prefix(turn.size());
  }
  return messages;
}

}  // namespace hone
