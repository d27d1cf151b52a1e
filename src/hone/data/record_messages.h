// Messages of a row in their common form: an array of objects with `role` and `content`.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include <hone/base/json_io.h>
#include <hone/data/record.h>

namespace hone {

/// One message in its common form (see `Record`); members that it has besides are kept, null ones
/// left out. Throws `Error` starting with `place`.
Json parse_message(const Json& message, const std::string& place, const MessageTags& tags);

/// The messages `row[key]`. Throws `Error` starting with `place`, also where there is none.
Json parse_messages(const Json& row,
                    const char* key,
                    const std::string& place,
                    const MessageTags& tags);

/// A message of `role` that says `text`.
Json text_message(const char* role, std::string text);

/// The row's own `system` text as a message, in front of nothing else; an empty array where it has
/// none.
Json system_message_of(const Json& row, const std::string& place);

/// The messages of an instruction in Alpaca's form: `system`, the turns of `history`, and
/// `instruction` with its `input` on a line of its own, where there is one.
Json instruction_messages(const Json& row, const std::string& place);

}  // namespace hone
