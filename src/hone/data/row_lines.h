// The lines of a tokenized file: how rows are written, and the parts by which they are read.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <simdjson.h>

#include <hone/base/error.h>
#include <hone/data/tokenized_header.h>

namespace hone {

/// Appends `values` as a JSON array.
void append_ids(std::string& text, const std::vector<std::int32_t>& values);

/// Reads a file of `kind` line by line: checks its header, calls `each(line, number)` for every
/// line behind it, and then compares the header's counts with `found`, which `each` fills. Returns
/// the header.
TokenizedHeader for_each_row_line(
    const std::filesystem::path& path,
    RecordKind kind,
    const TokenizedCheck& check,
    const TokenizedHeader& found,
    const std::function<void(std::string_view line, std::size_t number)>& each);

/// Parses the lines of one file; one parser and one padded buffer serve all of them.
class RowLineParser {
 public:
  RowLineParser(const std::filesystem::path& path, const TokenizedCheck& check)
      : path_(path), check_(check) {}

  /// Calls `fill(object)` with the object on `line`, number `number` of the file. What simdjson
  /// throws in it becomes an `Error` that calls the line no row of `what`.
  template <typename Fill>
  void parse(std::string_view line, std::size_t number, const char* what, const Fill& fill) {
    line_number_ = number;
    try {
      fill(object_on(line));
    } catch (const simdjson::simdjson_error& error) {
      refuse("not a row of ", what, " (", error.what(), ")");
    }
  }

  /// Throws `Error` with file, line and the arguments.
  template <typename... Parts>
  [[noreturn]] void refuse(const Parts&... parts) const {
    fail(path_.string(), ":", line_number_, ": ", parts...);
  }

  /// The numbers of an array, each at least `least`.
  std::vector<std::int32_t> ids(const simdjson::dom::element& value, std::int32_t least) const;

  /// Throws `Error` where an id is negative or outside of the vocabulary.
  void check_ids(const std::vector<std::int32_t>& ids) const;

  /// Throws `Error` where `size` tokens are more than the model reads.
  void check_length(std::size_t size) const;

 private:
  simdjson::dom::object object_on(std::string_view line);

  std::filesystem::path path_;
  TokenizedCheck check_;
  simdjson::dom::parser parser_;
  std::string buffer_;
  std::size_t line_number_ = 0;
};

}  // namespace hone
