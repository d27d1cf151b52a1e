// Tables as text (RFC 4180): fields between separators, quoted where they hold one. A quoted field
// may hold separators, line ends, and quotes written twice.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <hone/base/json_io.h>

namespace hone {

/// The separator of a table's file by its name: comma for `.csv`, tab for `.tsv` (also in front of
/// `.gz` or `.zst`); 0 where it is no table.
char table_separator(const std::filesystem::path& path);

/// How a table differs from what RFC 4180 says.
struct TableOptions {
  /// Names of the columns of a table whose first row has data already; empty: that row names them.
  std::vector<std::string> columns{};
  bool quotes = true;  ///< off: a quote is a character like any other, also in front of a field
  bool operator==(const TableOptions&) const = default;
};

/// The fields of one row of a table, as text without the line end behind it. Throws `Error`
/// starting with `place` where a quote is not closed or closed too early, or a text is not UTF-8.
std::vector<std::string> split_table_row(std::string_view row,
                                         char separator,
                                         bool quotes,
                                         const std::string& place);

/// Throws `Error` starting with `place` where a column has no name or one that another has.
void check_columns(const std::vector<std::string>& columns, const std::string& place);

/// The row as an object of texts by column; `options` names the columns. Throws `Error` starting
/// with `place` as `split_table_row` does, and where there are fewer or more fields than columns.
Json parse_table_row(std::string_view row,
                     char separator,
                     const TableOptions& options,
                     const std::string& place);

}  // namespace hone
