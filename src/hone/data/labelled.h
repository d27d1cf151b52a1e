// Files of labelled records: JSON, tables, or plain lines.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <hone/base/json_io.h>

namespace hone {

/// One file and how to read it.
struct LabelledFile {
  std::filesystem::path path;
  /// jsonl, json (one array of objects), csv, tsv, text (a record a line, its field `text` without
  /// white space at the ends), or auto: by the ending .jsonl, .json, .csv, .tsv or .txt. A file may
  /// be packed with gzip or zstd, and then end in .gz or .zst besides.
  std::string format = "auto";
  /// Names of the columns of a csv or tsv file that has no header; empty: its first row has them.
  std::vector<std::string> columns{};
  bool quotes = true;  ///< fields of a csv or tsv file may stand in double quotes
  /// Fields that every record of the file gets, such as the label of a file of one class.
  Json set = Json::object();
};

/// Calls `each(record, place)` for every record, an object, of `file`; `place` is `path:line`, or
/// `path: record n` in a JSON array. Little of the file is held at a time. Throws `Error` naming
/// the place for what is malformed, for an unknown format, a field of `set` that the record has
/// already, and 'no records' for an empty file.
void for_each_labelled(const LabelledFile& file,
                       const std::function<void(Json record, const std::string& place)>& each);

}  // namespace hone
