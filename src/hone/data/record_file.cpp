#include <utility>

#include <hone/base/error.h>
#include <hone/data/record_file.h>

namespace hone {

Record record_of(Json row, const std::string& place, const RecordOptions& options) {
  row = options.only_columns ? columns_alone(row, options.columns)
                             : with_column_names(std::move(row), options.columns, place);
  return parse_record(row, place, options.format, options.tags);
}

void for_each_record(const std::filesystem::path& path,
                     const RecordOptions& options,
                     const std::function<void(Record)>& each) {
  bool is_empty = true;
  for_each_row(RowSource(path), [&](Json row, const std::string& place) {
    is_empty = false;
    each(record_of(std::move(row), place, options));
  });
  if (is_empty) fail(path.string(), ": no examples");
}

std::vector<Record> read_records(const std::filesystem::path& path, RecordFormat format) {
  std::vector<Record> records;
  for_each_record(path, {.format = format},
                  [&](Record record) { records.push_back(std::move(record)); });
  return records;
}

}  // namespace hone
