#include <algorithm>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <hone/base/error.h>
#include <hone/base/utf8.h>
#include <hone/data/csv.h>

namespace hone {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

/// Takes one row after the other off a text.
class TableReader {
 public:
  TableReader(std::string_view text, char separator, std::string name, bool quotes)
      : text_(text), separator_(separator), quotes_(quotes), name_(std::move(name)) {
    if (text_.starts_with(kByteOrderMark)) text_.remove_prefix(kByteOrderMark.size());
  }

  /// The fields of the next row that is not blank; false at the end.
  bool next(std::vector<std::string>& fields) {
    while (!text_.empty() && take_line_end()) {
    }
    if (text_.empty()) return false;
    start_ = line_;
    fields.clear();
    do {
      fields.push_back(quotes_ && text_.starts_with('"') ? quoted() : plain());
    } while (take_separator());
    if (!text_.empty() && !take_line_end())
      fail(place(), ": text behind a closing quote; a quote inside of a field is written twice");
    return true;
  }

  /// Where the row that was read last starts.
  std::string place() const { return concat(name_, ":", start_); }

 private:
  bool take_line_end() {
    const std::size_t size = text_.starts_with("\r\n") ? 2 : text_.starts_with('\n') ? 1 : 0;
    text_.remove_prefix(size);
    line_ += size > 0 ? 1 : 0;
    return size > 0;
  }

  bool take_separator() {
    if (!text_.starts_with(separator_)) return false;
    text_.remove_prefix(1);
    return true;
  }

  std::string checked(std::string field) const {
    if (find_invalid_utf8(field)) fail(place(), ": is not UTF-8");
    return field;
  }

  std::string plain() {
    const char ends[] = {separator_, '\n', '\0'};
    auto size = std::min(text_.find_first_of(ends), text_.size());
    auto field = text_.substr(0, size);
    text_.remove_prefix(size);
    if (field.ends_with('\r') && (text_.empty() || text_.starts_with('\n'))) field.remove_suffix(1);
    return checked(std::string(field));
  }

  std::string quoted() {
    std::string field;
    text_.remove_prefix(1);
    while (true) {
      const auto quote = text_.find('"');
      if (quote == std::string_view::npos) fail(place(), ": a quote is not closed");
      const auto part = text_.substr(0, quote);
      line_ += static_cast<std::size_t>(std::count(part.begin(), part.end(), '\n'));
      field += part;
      text_.remove_prefix(quote + 1);
      if (!text_.starts_with('"')) return checked(std::move(field));
      field += '"';
      text_.remove_prefix(1);
    }
  }

  std::string_view text_;
  char separator_;
  bool quotes_;
  std::string name_;
  std::size_t line_ = 1, start_ = 1;
};

std::string list_of(const std::vector<std::string>& columns) {
  std::string list;
  for (const auto& column : columns) list += (list.empty() ? "" : ", ") + column;
  return list;
}

void check_columns(const std::vector<std::string>& columns, const std::string& place) {
  for (auto column = columns.begin(); column != columns.end(); ++column) {
    if (column->empty()) fail(place, ": a column has no name; the columns are ", list_of(columns));
    if (std::find(columns.begin(), column, *column) != column)
      fail(place, ": two columns are named ", quote(*column));
  }
}

}  // namespace

char table_separator(const fs::path& path) {
  auto name = path;
  if (name.extension() == ".gz" || name.extension() == ".zst") name.replace_extension();
  if (name.extension() == ".csv") return ',';
  return name.extension() == ".tsv" ? '\t' : '\0';
}

void for_each_table_row(std::string_view text,
                        char separator,
                        const fs::path& name,
                        const std::function<void(const Json&, const std::string&)>& each,
                        const TableOptions& options) {
  TableReader reader(text, separator, name.string(), options.quotes);
  auto columns = options.columns;
  std::vector<std::string> fields;
  if (columns.empty() && !reader.next(columns)) return;
  check_columns(columns, options.columns.empty() ? reader.place() : name.string());
  while (reader.next(fields)) {
    if (fields.size() != columns.size()) {
      fail(reader.place(), ": has ", fields.size(), fields.size() == 1 ? " field" : " fields",
           " for the ", columns.size(), " columns ", list_of(columns));
    }
    Json row = Json::object();
    for (std::size_t i = 0; i < fields.size(); ++i) row[columns[i]] = std::move(fields[i]);
    each(row, reader.place());
  }
}

}  // namespace hone
