// The turns of a conversation, made ready for a chat template.
#pragma once

#include <string_view>

#include <nlohmann/json.hpp>

#include <hone/base/json_io.h>

namespace hone {

/// Whether `text` is empty or white space alone.
bool is_blank(std::string_view text);

/// Whether `message` is the assistant's.
bool is_reply(const Json& message);

/// Whether `message` is the assistant's and says nothing and calls no tool.
bool is_empty_reply(const Json& message);

/// Appends `message`. One of user or assistant that follows one of the same role, both of text
/// alone, goes on with the turn that is there, behind a line break; true then.
bool append_turn(Json& messages, const Json& message);

}  // namespace hone
