// Files of examples: data in any layout to records.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <hone/base/row_source.h>
#include <hone/data/record.h>

namespace hone {

/// How the rows of a file become records.
struct RecordOptions {
  RecordFormat format = RecordFormat::kAuto;
  ColumnNames columns{};
  bool only_columns =
      false;  ///< keys that `columns` does not name are not read, and may be missing
  MessageTags tags{};
};

/// A row as an example. Throws `Error` starting with `place`.
Record record_of(Json row, const std::string& place, const RecordOptions& options);

/// Calls `each` for every example of `path`: a JSONL file, a JSON file that holds one array, or a
/// table (`.csv`, `.tsv`) whose columns are the keys; each also packed with gzip or zstd.
///
/// Throws `Error` naming the file and line, or the record's number in an array, counted from 1; 'no
/// examples' where there is none; and where a row lacks a key that `columns` names.
void for_each_record(const std::filesystem::path& path,
                     const RecordOptions& options,
                     const std::function<void(Record)>& each);

/// All examples of `path`, as `for_each_record` gives them.
std::vector<Record> read_records(const std::filesystem::path& path,
                                 RecordFormat format = RecordFormat::kAuto);

}  // namespace hone
