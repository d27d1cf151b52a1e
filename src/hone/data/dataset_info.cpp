#include <algorithm>
#include <array>
#include <string_view>
#include <utility>
#include <vector>

#include <hone/base/error.h>
#include <hone/base/nearest.h>
#include <hone/base/utf8.h>
#include <hone/data/dataset_info.h>
#include <hone/data/record_fields.h>

namespace hone {
namespace {

/// A column's name in dataset_info.json, and the key of our layouts that it stands for.
using ColumnKey = std::pair<std::string_view, std::string_view>;
constexpr std::array kAlpacaColumns = {
    ColumnKey{"prompt", "instruction"}, ColumnKey{"query", "input"},
    ColumnKey{"response", "output"},    ColumnKey{"history", "history"},
    ColumnKey{"system", "system"},      ColumnKey{"tools", "tools"},
    ColumnKey{"chosen", "chosen"},      ColumnKey{"rejected", "rejected"},
    ColumnKey{"kto_tag", "kto_tag"}};
constexpr std::array kShareGptColumns = {ColumnKey{"messages", "conversations"},
                                         ColumnKey{"system", "system"},
                                         ColumnKey{"tools", "tools"},
                                         ColumnKey{"chosen", "chosen"},
                                         ColumnKey{"rejected", "rejected"},
                                         ColumnKey{"kto_tag", "kto_tag"}};
constexpr std::array kDefaultColumns = {
    ColumnKey{"prompt", "instruction"}, ColumnKey{"query", "input"},
    ColumnKey{"response", "output"}, ColumnKey{"messages", "conversations"}};
constexpr std::array kRoleTags = {
    ColumnKey{"user_tag", "user"}, ColumnKey{"assistant_tag", "assistant"},
    ColumnKey{"observation_tag", "tool"}, ColumnKey{"function_tag", "function_call"},
    ColumnKey{"system_tag", "system"}};

void check_keys(const Json& object,
                const std::vector<std::string>& known,
                const std::string& place) {
  if (!object.is_object()) fail(place, ": must be an object, got ", object.type_name());
  for (const auto& [key, value] : object.items()) {
    if (std::ranges::find(known, key) == known.end())
      fail(place, ": ", quote(key), " is not known to this program", did_you_mean(key, known));
  }
}

template <std::size_t N>
std::vector<std::string> names_of(const std::array<ColumnKey, N>& columns) {
  std::vector<std::string> names;
  for (const auto& [name, key] : columns) names.emplace_back(name);
  return names;
}

template <std::size_t N>
void read_columns(const Json& entry,
                  const std::array<ColumnKey, N>& known,
                  const std::string& place,
                  ColumnNames& columns) {
  const auto* given = member(entry, "columns");
  if (given != nullptr) check_keys(*given, names_of(known), place + ": columns");
  for (const auto& [name, key] : known) {
    const std::string text(name);
    if (given == nullptr) {
      const auto usual = std::ranges::find(kDefaultColumns, name, &ColumnKey::first);
      if (usual != kDefaultColumns.end()) columns[std::string(key)] = usual->second;
    } else if (given->contains(text)) {
      columns[std::string(key)] = text_member(*given, text.c_str(), place + ": columns");
    }
  }
}

MessageTags read_tags(const Json& entry, const std::string& place) {
  MessageTags tags;
  const auto* given = member(entry, "tags");
  if (given == nullptr) return tags;
  auto known = names_of(kRoleTags);
  known.insert(known.end(), {"role_tag", "content_tag"});
  check_keys(*given, known, place + ": tags");
  tags.role_key = optional_text(*given, "role_tag", place);
  tags.content_key = optional_text(*given, "content_tag", place);
  for (const auto& [name, role] : kRoleTags) {
    const auto tag = optional_text(*given, std::string(name).c_str(), place);
    if (!tag.empty()) tags.roles[tag] = role;
  }
  return tags;
}

bool is_set(const Json& entry, const char* key) {
  const auto* value = member(entry, key);
  return value != nullptr && *value == true;
}

RecordFormat format_of(const Json& entry, bool is_alpaca, const ColumnNames& columns) {
  if (is_set(entry, "ranking")) return RecordFormat::kPreference;
  if (columns.contains("kto_tag")) return RecordFormat::kUnpaired;
  if (!is_alpaca) return RecordFormat::kShareGpt;
  return columns.contains("output") ? RecordFormat::kAlpaca : RecordFormat::kText;
}

}  // namespace

NamedDataset read_dataset_info(const std::filesystem::path& path, const std::string& name) {
  const auto info = read_json(path);
  if (!info.is_object()) fail(path.string(), ": expected an object of data sets");
  if (!info.contains(name)) {
    std::vector<std::string> names;
    for (const auto& [known, entry] : info.items()) names.push_back(known);
    fail(path.string(), ": no data set is called ", quote(name), did_you_mean(name, names));
  }
  const auto& entry = info[name];
  const auto place = concat(path.string(), ": ", name);
  check_keys(entry, {"file_name", "formatting", "ranking", "columns", "tags"}, place);
  const auto formatting =
      entry.contains("formatting") ? text_member(entry, "formatting", place) : "alpaca";
  if (formatting != "alpaca" && formatting != "sharegpt")
    fail(place, ": formatting ", quote(formatting), " is not one of alpaca, sharegpt");
  const bool is_alpaca = formatting == "alpaca";
  NamedDataset dataset{.file = path.parent_path() / text_member(entry, "file_name", place),
                       .options = {}};
  auto& columns = dataset.options.columns;
  if (is_alpaca) {
    read_columns(entry, kAlpacaColumns, place, columns);
  } else {
    read_columns(entry, kShareGptColumns, place, columns);
  }
  dataset.options.format = format_of(entry, is_alpaca, columns);
  dataset.options.tags = read_tags(entry, place);
  dataset.options.only_columns = true;
  if (dataset.options.format == RecordFormat::kText)
    columns = {{"text", columns.contains("instruction") ? columns["instruction"] : "text"}};
  return dataset;
}

}  // namespace hone
