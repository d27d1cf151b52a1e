// JSON in and out, strict where a data file could be misread: the one way that hone parses JSON.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

namespace hone {

/// A JSON value that keeps the order of its keys.
using Json = nlohmann::ordered_json;

/// Parses one JSON value that is the whole of `text`.
///
/// Refuses, by `Error` starting with `place` (such as `train.jsonl:3`): syntax errors, duplicate
/// keys, numbers out of range (`1e400`, NaN), invalid UTF-8 and zero bytes (with the 1-based byte
/// of the line, and the line where `text` has several), lone surrogate escapes, nesting deeper than
/// 256. An integer that fits no 64-bit type becomes a double.
///
/// `first_line`: where `text` starts in the file `place`, if it is a part of one whose lines are to
/// be named; 0: `text` is all of `place`.
Json parse_json(std::string_view text, const std::string& place, std::size_t first_line = 0);

/// Parses a whole file as one JSON value. A byte-order mark is skipped. Throws `Error` naming the
/// file.
Json read_json(const std::filesystem::path& path);

/// Writes `value` with two spaces of indentation and a final line end, through a temporary file.
/// Throws `Error` where a string of it is not UTF-8, or writing fails.
void write_json(const std::filesystem::path& path, const Json& value);

/// Compact text of `value` as UTF-8, non-ASCII characters as they are, on one line. Throws `Error`
/// where a string of it is not UTF-8.
std::string to_json_line(const Json& value);

}  // namespace hone
