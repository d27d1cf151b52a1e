#include <array>
#include <string_view>
#include <utility>

#include <hone/base/decompress.h>
#include <hone/base/error.h>
#include <hone/base/row_source.h>
#include <hone/base/utf8.h>
#include <hone/data/labelled.h>

namespace hone {
namespace {

struct NamedLayout {
  std::string_view ending;
  const char* name;
  FileLayout layout;
};
constexpr std::array kLayouts = {
    NamedLayout{".jsonl", "jsonl", FileLayout::kJsonl},
    NamedLayout{".json", "json", FileLayout::kJson},
    NamedLayout{".csv", "csv", FileLayout::kCsv},
    NamedLayout{".tsv", "tsv", FileLayout::kTsv},
    NamedLayout{".txt", "text", FileLayout::kText},
};

FileLayout layout_of(const LabelledFile& file) {
  const auto ending = unpacked_name(file.path).extension();
  for (const auto& known : kLayouts) {
    if (file.format == known.name || (file.format == "auto" && ending == known.ending))
      return known.layout;
  }
  if (file.format == "auto") {
    fail(file.path.string(),
         ": its ending tells no format; name one: jsonl, json, csv, tsv or text");
  }
  fail(file.path.string(), ": format ", quote(file.format),
       " is not one of auto, jsonl, json, csv, tsv, text");
}

}  // namespace

void for_each_labelled(const LabelledFile& file,
                       const std::function<void(Json record, const std::string& place)>& each) {
  const auto layout = layout_of(file);
  if (!file.columns.empty() && layout != FileLayout::kCsv && layout != FileLayout::kTsv)
    fail(file.path.string(), ": columns are for csv and tsv files");
  std::size_t count = 0;
  RowSource source(file.path, {layout, {.columns = file.columns, .quotes = file.quotes}});
  for_each_row(std::move(source), [&](Json record, const std::string& place) {
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
