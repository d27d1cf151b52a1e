// JSON in and out, strict where a data file could be misread: the one way that hone parses JSON.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
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
Json parse_json(std::string_view text, const std::string& place);

/// Parses a whole file as one JSON value. A byte-order mark is skipped. Throws `Error` naming the
/// file.
Json read_json(const std::filesystem::path& path);

/// Writes `value` with two spaces of indentation and a final line end, through a temporary file.
/// Throws `Error` where a string of it is not UTF-8, or writing fails.
void write_json(const std::filesystem::path& path, const Json& value);

/// Compact text of `value` as UTF-8, non-ASCII characters as they are, on one line. Throws `Error`
/// where a string of it is not UTF-8.
std::string to_json_line(const Json& value);

/// Calls `each(line, place)` for every line of a JSONL text that is not blank.
///
/// Lines end at LF or CRLF alone (U+2028 and U+0085 are text), a byte-order mark is skipped, gzip
/// and zstd files are decompressed. `place` is `path:line`, blank lines counted, for
/// messages. Throws `Error` where the file is missing or its packed data end early.
void for_each_line(
    const std::filesystem::path& path,
    const std::function<void(std::string_view line, const std::string& place)>& each);

/// The same for the bytes of a file in memory, plain or packed; `name` stands for the path in
/// messages.
void for_each_line_of(
    std::string_view bytes,
    const std::filesystem::path& name,
    const std::function<void(std::string_view line, const std::string& place)>& each);

}  // namespace hone
