// Dialogues as one text, as Anthropic's hh-rlhf data have them.
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include <hone/base/json_io.h>

namespace hone {

/// Whether `text` starts as such a dialogue does: `\n\nHuman:`.
bool is_hh_dialogue(std::string_view text);

/// The turns of `text` as messages of user and assistant. A turn starts at `\n\nHuman:` or
/// `\n\nAssistant:` alone, elsewhere these words are text; one space behind the colon belongs to
/// the mark. Throws `Error` starting with `place` where `text` starts with no turn of `Human`.
Json hh_messages(std::string_view text, const std::string& place);

}  // namespace hone
