#include <utility>

#include <hone/base/error.h>
#include <hone/data/record_file.h>

namespace hone {

Record record_of(const RowChunk& chunk, std::size_t i, const RecordOptions& options) {
  const auto place = chunk.place(i);
  const auto row = chunk.row(i);
  return parse_record(options.only_columns ? columns_alone(row, options.columns)
                                           : with_column_names(row, options.columns, place),
                      place, options.format, options.tags);
}

void for_each_record(const std::filesystem::path& path,
                     const RecordOptions& options,
                     const std::function<void(Record)>& each) {
  RowSource source(path);
  RowChunk chunk;
  bool is_empty = true;
  while (source.next(chunk)) {
    is_empty = false;
    for (std::size_t i = 0; i < chunk.size(); ++i) each(record_of(chunk, i, options));
  }
  if (is_empty) fail(path.string(), ": no examples");
}

std::vector<Record> read_records(const std::filesystem::path& path, RecordFormat format) {
  std::vector<Record> records;
  for_each_record(path, {.format = format},
                  [&](Record record) { records.push_back(std::move(record)); });
  return records;
}

}  // namespace hone
