// Tables as text: CSV as RFC 4180 defines it, and TSV.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <hone/base/json_io.h>

namespace hone {

struct CsvOptions {
  char separator = ',';  ///< between the fields of a row; a tab for TSV
  bool quotes = true;    ///< fields may stand in double quotes; off: a quote is a character
  /// Names of the columns; empty: the first row of the file has them.
  std::vector<std::string> columns{};
  bool operator==(const CsvOptions&) const = default;
};

/// Calls `each(fields, place)` for every row of `text`, a whole file.
///
/// As in RFC 4180: rows end at LF or CRLF, a field that begins with a double quote ends at the next
/// single one and may hold separators, line ends and doubled quotes. A quote further inside a field
/// is a character like any other. Blank lines are skipped, and so is a byte-order mark. `place` is
/// `name:line`, the line on which the row begins. Throws `Error` for a quote that is not closed or
/// is followed by text, and for text that is not UTF-8.
void for_each_csv_row(
    std::string_view text,
    const std::string& name,
    const CsvOptions& options,
    const std::function<void(std::vector<std::string>& fields, const std::string& place)>& each);

/// Calls `each(record, place)` for every row of the file `path` behind its header: an object with a
/// text for each column. Only the current row is held. Throws `Error` as `for_each_csv_row` does,
/// for a header with a name that is empty or comes twice, and for a row with another number of
/// fields than the header.
void for_each_csv_record(const std::filesystem::path& path,
                         const CsvOptions& options,
                         const std::function<void(Json record, const std::string& place)>& each);

}  // namespace hone
