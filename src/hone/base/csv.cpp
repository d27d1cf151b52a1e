#include <algorithm>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <hone/base/csv.h>
#include <hone/base/decompress.h>
#include <hone/base/error.h>
#include <hone/base/names.h>
#include <hone/base/utf8.h>

namespace hone {
namespace {

namespace fs = std::filesystem;

/// Takes one field after the other off a row.
class FieldReader {
 public:
  FieldReader(std::string_view row, char separator, const std::string& place)
      : rest_(row), separator_(separator), place_(place) {}

  std::string plain() {
    const auto field = rest_.substr(0, rest_.find(separator_));
    rest_.remove_prefix(field.size());
    return checked(std::string(field));
  }

  bool is_quoted() const { return rest_.starts_with('"'); }

  std::string quoted() {
    std::string field;
    rest_.remove_prefix(1);
    while (true) {
      const auto quote = rest_.find('"');
      if (quote == std::string_view::npos) fail(place_, ": a quote is not closed");
      field += rest_.substr(0, quote);
      rest_.remove_prefix(quote + 1);
      if (!is_quoted()) return checked(std::move(field));
      field += '"';
      rest_.remove_prefix(1);
    }
  }

  /// Whether a separator, and so a further field, follows.
  bool take_separator() {
    if (rest_.starts_with(separator_)) {
      rest_.remove_prefix(1);
      return true;
    }
    if (!rest_.empty())
      fail(place_, ": text behind a closing quote; a quote inside of a field is written twice");
    return false;
  }

 private:
  std::string checked(std::string field) const {
    if (find_invalid_utf8(field)) fail(place_, ": is not UTF-8");
    return field;
  }

  std::string_view rest_;
  char separator_;
  const std::string& place_;
};

}  // namespace

char table_separator(const fs::path& path) {
  const auto ending = unpacked_name(path).extension();
  if (ending == ".csv") return ',';
  return ending == ".tsv" ? '\t' : '\0';
}

std::vector<std::string> split_table_row(std::string_view row,
                                         char separator,
                                         bool quotes,
                                         const std::string& place) {
  FieldReader reader(row, separator, place);
  std::vector<std::string> fields;
  do {
    fields.push_back(quotes && reader.is_quoted() ? reader.quoted() : reader.plain());
  } while (reader.take_separator());
  return fields;
}

void check_columns(const std::vector<std::string>& columns, const std::string& place) {
  for (auto column = columns.begin(); column != columns.end(); ++column) {
    if (column->empty()) fail(place, ": a column has no name; the columns are ", joined(columns));
    if (std::find(columns.begin(), column, *column) != column)
      fail(place, ": two columns are named ", quote(*column));
  }
}

Json parse_table_row(std::string_view text,
                     char separator,
                     const TableOptions& options,
                     const std::string& place) {
  auto fields = split_table_row(text, separator, options.quotes, place);
  const auto& columns = options.columns;
  if (fields.size() != columns.size()) {
    fail(place, ": has ", fields.size(), fields.size() == 1 ? " field" : " fields", " for the ",
         columns.size(), " columns ", joined(columns));
  }
  Json row = Json::object();
  for (std::size_t i = 0; i < fields.size(); ++i) row[columns[i]] = std::move(fields[i]);
  return row;
}

}  // namespace hone
