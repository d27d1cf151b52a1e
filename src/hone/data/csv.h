// Tables as text (RFC 4180): fields between separators, quoted where they hold one.
#pragma once

#include <filesystem>
#include <functional>
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

/// Calls `each(row, place)` for every row behind the first, which names the columns: an object of
/// texts by column.
///
/// Rows end at LF or CRLF, a quoted field may hold separators, line ends and quotes (doubled), a
/// byte-order mark is skipped, and so are blank lines. `place` is `name:line`, the line where the
/// row starts. Throws `Error` naming the line where a row has fewer or more fields than there are
/// columns, a quote is not closed or closed too early, a column has no name or one that another
/// has, or a text is not UTF-8.
void for_each_table_row(std::string_view text,
                        char separator,
                        const std::filesystem::path& name,
                        const std::function<void(const Json& row, const std::string& place)>& each,
                        const TableOptions& options = {});

}  // namespace hone
