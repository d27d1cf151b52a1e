// Where a row of a data file ends, found without parsing it.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>

namespace hone {

/// Cuts a text into pieces, each a row with what separates it from the next. Keeps its state
/// between calls, so that no byte is looked at twice, however long a row is.
class RowCutter {
 public:
  virtual ~RowCutter() = default;

  /// The size of the piece at the front of `text`, or nothing where it does not end in `text`. The
  /// first `looked_at` bytes of `text` were given before and hold no end.
  virtual std::optional<std::size_t> find_end(std::string_view text, std::size_t looked_at) = 0;

  /// The row in the piece found last, without what separates it; nothing where it holds none.
  virtual std::optional<std::string_view> row_in(std::string_view piece) const = 0;

  /// What is wrong with a file that ends with the piece found last, or in the middle of one;
  /// nullptr: nothing.
  virtual const char* complaint_at_end() const { return nullptr; }
};

/// For rows that are lines; blank ones are no rows.
std::unique_ptr<RowCutter> make_line_cutter();

/// For the rows of a table, whose quoted fields may hold line ends.
std::unique_ptr<RowCutter> make_table_cutter(char separator);

/// For the elements of a JSON array. A row may be malformed in any way that parsing finds; an empty
/// one stands where commas follow each other.
std::unique_ptr<RowCutter> make_array_cutter();

}  // namespace hone
