#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include <hone/base/error.h>
#include <hone/base/files.h>
#include <hone/base/utf8.h>
#include <hone/data/csv.h>

namespace hone {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

/// Goes through the rows of a table.
class CsvReader {
 public:
  CsvReader(std::string_view text, const std::string& name, const CsvOptions& options)
      : text_(text), name_(name), options_(options) {
    if (text_.starts_with(kByteOrderMark)) at_ = kByteOrderMark.size();
  }

  /// The next row that is not blank; false at the end.
  bool next(std::vector<std::string>& fields, std::string& place) {
    while (at_ < text_.size()) {
      if (skip_line_end()) continue;
      place = concat(name_, ":", line_);
      fields.clear();
      do {
        fields.push_back(read_field());
        if (find_invalid_utf8(fields.back()))
          fail(place, ": column ", fields.size(), " is not UTF-8");
      } while (skip_separator());
      skip_line_end();
      return true;
    }
    return false;
  }

 private:
  bool skip_separator() {
    if (at_ == text_.size() || text_[at_] != options_.separator) return false;
    ++at_;
    return true;
  }

  bool at_line_end() const {
    return at_ == text_.size() || text_[at_] == '\n' || text_.substr(at_, 2) == "\r\n";
  }

  bool skip_line_end() {
    if (at_ == text_.size() || !at_line_end()) return false;
    at_ += text_[at_] == '\n' ? 1 : 2;
    ++line_;
    return true;
  }

  std::string read_field() {
    if (options_.quotes && at_ < text_.size() && text_[at_] == '"') return read_quoted();
    const auto begin = at_;
    while (!at_line_end() && text_[at_] != options_.separator) ++at_;
    return std::string(text_.substr(begin, at_ - begin));
  }

  std::string read_quoted() {
    const auto opened_at = line_;
    std::string field;
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] == '\n') ++line_;
      if (text_[at_] != '"') {
        field += text_[at_];
      } else if (text_.substr(at_, 2) == "\"\"") {
        field += text_[at_++];
      } else {
        ++at_;
        if (at_line_end() || text_[at_] == options_.separator) return field;
        fail(name_, ":", line_, ": a quoted field ends at its quote, got ",
             quote(text_.substr(at_, 12)), " behind it");
      }
    }
    fail(name_, ":", opened_at, ": a quoted field is not closed");
  }

  std::string_view text_;
  const std::string& name_;
  const CsvOptions& options_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
};

void check_columns(const std::vector<std::string>& columns, const std::string& place) {
  for (auto column = columns.begin(); column != columns.end(); ++column) {
    if (column->empty()) fail(place, ": column ", column - columns.begin() + 1, " has no name");
    if (std::find(columns.begin(), column, *column) != column)
      fail(place, ": two columns are called ", quote(*column));
  }
}

}  // namespace

void for_each_csv_row(
    std::string_view text,
    const std::string& name,
    const CsvOptions& options,
    const std::function<void(std::vector<std::string>&, const std::string&)>& each) {
  CsvReader reader(text, name, options);
  std::vector<std::string> fields;
  std::string place;
  while (reader.next(fields, place)) each(fields, place);
}

void for_each_csv_record(const std::filesystem::path& path,
                         const CsvOptions& options,
                         const std::function<void(Json, const std::string&)>& each) {
  const MappedFile file(path);
  auto columns = options.columns;
  check_columns(columns, path.string());
  const auto read = [&](std::vector<std::string>& fields, const std::string& place) {
    if (columns.empty()) {
      columns = fields;
      return check_columns(columns, place);
    }
    if (fields.size() != columns.size())
      fail(place, ": expected ", columns.size(), " fields, got ", fields.size());
    Json record = Json::object();
    for (std::size_t i = 0; i < fields.size(); ++i) record[columns[i]] = std::move(fields[i]);
    each(std::move(record), place);
  };
  for_each_csv_row(file.bytes(), path.string(), options, read);
}

}  // namespace hone
