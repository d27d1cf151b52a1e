// Fields of a row, with errors that name the row and the field.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include <hone/base/json_io.h>

namespace hone {

/// The member `key` of `object`; nullptr where it is missing or null.
const Json* member(const Json& object, const char* key);

/// What `value` is, for messages; `null` for nullptr.
const char* type_name(const Json* value);

/// The keys of an object in one line, for messages.
std::string keys_of(const Json& object);

/// The text `key` of `object`. Throws `Error` starting with `place` where it is no string.
std::string text_member(const Json& object, const char* key, const std::string& place);

/// The same, or an empty text where the key is missing or null.
std::string optional_text(const Json& object, const char* key, const std::string& place);

/// The array `key` of `object`. Throws `Error` starting with `place` where it is none or empty.
const Json& array_member(const Json& object, const char* key, const std::string& place);

/// Whether `value` says yes: a bool, 1 or 0, or the text true or false in any case (tables have
/// texts alone). Throws `Error` starting with `place` for anything else; `key` is for the message.
bool truth_of(const Json& value, const char* key, const std::string& place);

}  // namespace hone
