#include <array>
#include <utility>

#include <hone/base/decompress.h>
#include <hone/base/error.h>
#include <hone/base/files.h>
#include <hone/base/utf8.h>
#include <hone/data/csv.h>
#include <hone/data/labelled.h>

namespace hone {
namespace {

using Each = std::function<void(Json, const std::string&)>;

constexpr std::string_view kBlank = " \t\r\n\f\v";
constexpr std::array<std::pair<std::string_view, const char*>, 5> kEndings = {{
    {".jsonl", "jsonl"},
    {".json", "json"},
    {".csv", "csv"},
    {".tsv", "tsv"},
    {".txt", "text"},
}};

std::string format_of(const LabelledFile& file) {
  if (file.format != "auto") return file.format;
  auto name = file.path;
  if (name.extension() == ".gz" || name.extension() == ".zst") name.replace_extension();
  for (const auto& [ending, format] : kEndings) {
    if (name.extension() == ending) return format;
  }
  fail(file.path.string(), ": its ending tells no format; name one: jsonl, json, csv, tsv or text");
}

void read_lines(const LabelledFile& file, std::string_view bytes, const Each& each) {
  for_each_line_of(bytes, file.path, [&](std::string_view line, const std::string& place) {
    if (find_invalid_utf8(line)) fail(place, ": not UTF-8");
    const auto begin = line.find_first_not_of(kBlank);
    const auto end = line.find_last_not_of(kBlank);
    Json record = Json::object();
    record["text"] = std::string(line.substr(begin, end + 1 - begin));
    each(std::move(record), place);
  });
}

void read_array(const LabelledFile& file, std::string_view bytes, const Each& each) {
  auto array = parse_json(bytes, file.path.string());
  if (!array.is_array())
    fail(file.path.string(), ": expected an array of records, got ", array.type_name());
  std::size_t number = 0;
  for (auto& record : array)
    each(std::move(record), concat(file.path.string(), ": record ", ++number));
}

void read_any(const LabelledFile& file, std::string_view bytes, const Each& each) {
  const auto format = format_of(file);
  if (format == "csv" || format == "tsv") {
    return for_each_table_row(bytes, format == "tsv" ? '\t' : ',', file.path, each,
                              {.columns = file.columns, .quotes = file.quotes});
  }
  if (!file.columns.empty())
    fail(file.path.string(), ": columns are for csv and tsv files, this is ", format);
  if (format == "text") return read_lines(file, bytes, each);
  if (format == "json") return read_array(file, bytes, each);
  if (format != "jsonl") {
    fail(file.path.string(), ": format ", quote(format),
         " is not one of auto, jsonl, json, csv, tsv, text");
  }
  for_each_line_of(bytes, file.path, [&](std::string_view line, const std::string& place) {
    each(parse_json(line, place), place);
  });
}

}  // namespace

void for_each_labelled(const LabelledFile& file, const Each& each) {
  const MappedFile mapped(file.path);
  std::string unpacked;
  auto bytes = mapped.bytes();
  if (is_compressed(bytes)) bytes = unpacked = decompressed(bytes, file.path);
  std::size_t count = 0;
  read_any(file, bytes, [&](Json record, const std::string& place) {
    ++count;
    if (!record.is_object()) fail(place, ": a record must be an object, got ", record.type_name());
    for (const auto& [key, value] : file.set.items()) {
      if (record.contains(key)) fail(place, ": the record has a field ", quote(key), " of its own");
      record[key] = value;
    }
    each(std::move(record), place);
  });
  if (count == 0) fail(file.path.string(), ": no records");
}

}  // namespace hone
