#include <utility>

#include <toml++/toml.h>

#include <hone/base/files.h>
#include <hone/base/nearest.h>
#include <hone/base/utf8.h>
#include <hone/data/toml_table.h>

namespace hone {
namespace {

using Lines = std::map<std::string, std::size_t>;

/// `node` as JSON; the line of each value goes into `lines` under its pointer.
Json to_json(const toml::node& node,
             const std::string& file,
             const std::string& pointer,
             Lines& lines) {
  const auto line = static_cast<std::size_t>(node.source().begin.line);
  lines[pointer] = line;
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return number->get();
  if (const auto* number = node.as_floating_point()) return number->get();
  if (const auto* truth = node.as_boolean()) return truth->get();
  if (const auto* list = node.as_array()) {
    Json values = Json::array();
    for (const auto& item : *list)
      values.push_back(to_json(item, file, concat(pointer, "/", values.size()), lines));
    return values;
  }
  if (const auto* table = node.as_table()) {
    Json values = Json::object();
    for (const auto& [key, value] : *table) {
      const std::string name(key.str());
      values[name] = to_json(value, file, concat(pointer, "/", name), lines);
    }
    return values;
  }
  fail(file, ":", line, ": a date or time is of no use here");
}

const char* kind_of(const Json& value) {
  if (value.is_string()) return "a text";
  if (value.is_boolean()) return "true or false";
  if (value.is_number()) return "a number";
  return value.is_array() ? "a list" : "a table";
}

}  // namespace

TomlTable::TomlTable(std::shared_ptr<const File> file, std::string pointer, Json values)
    : file_(std::move(file)), pointer_(std::move(pointer)), values_(std::move(values)) {}

TomlTable TomlTable::read(const std::filesystem::path& path) {
  const auto name = path.string();
  toml::table table;
  try {
    table = toml::parse(read_file(path), name);
  } catch (const toml::parse_error& error) {
    fail(name, ":", error.source().begin.line, ": not TOML: ", error.description());
  }
  if (table.empty()) fail(name, ": has no keys");
  auto file = std::make_shared<File>();
  file->name = name;
  auto values = to_json(table, name, "", file->lines);
  return {std::move(file), "", std::move(values)};
}

std::string TomlTable::place(const std::string& key) const {
  auto found = file_->lines.find(concat(pointer_, "/", key));
  if (found == file_->lines.end()) found = file_->lines.find(pointer_);
  return concat(file_->name, ":", found == file_->lines.end() ? 1 : found->second);
}

const Json& TomlTable::value(const std::string& key, const char* wanted, bool fits) const {
  if (!fits) {
    fail(place(key), ": \"", key, "\" must be ", wanted, ", got ",
         has(key) ? kind_of(values_[key]) : "nothing");
  }
  return values_[key];
}

std::string TomlTable::text(const std::string& key) const {
  return value(key, "a text", has(key) && values_[key].is_string()).get<std::string>();
}

std::string TomlTable::text(const std::string& key, const std::string& absent) const {
  return has(key) ? text(key) : absent;
}

bool TomlTable::flag(const std::string& key, bool absent) const {
  if (!has(key)) return absent;
  return value(key, "true or false", values_[key].is_boolean()).get<bool>();
}

double TomlTable::number(const std::string& key, double absent) const {
  if (!has(key)) return absent;
  return value(key, "a number", values_[key].is_number()).get<double>();
}

std::int64_t TomlTable::integer(const std::string& key, std::int64_t absent) const {
  if (!has(key)) return absent;
  return value(key, "a whole number", values_[key].is_number_integer()).get<std::int64_t>();
}

std::vector<std::string> TomlTable::texts(const std::string& key) const {
  std::vector<std::string> texts;
  if (!has(key)) return texts;
  for (const auto& item : value(key, "a list of texts", values_[key].is_array())) {
    if (!item.is_string()) {
      fail(file_->name, ":", file_->lines.at(concat(pointer_, "/", key, "/", texts.size())), ": \"",
           key, "\" must be a list of texts, got ", kind_of(item), " in it");
    }
    texts.push_back(item.get<std::string>());
  }
  return texts;
}

std::vector<TomlTable> TomlTable::tables(const std::string& key) const {
  std::vector<TomlTable> tables;
  if (!has(key)) return tables;
  for (const auto& item : value(key, "a list of tables", values_[key].is_array())) {
    auto pointer = concat(pointer_, "/", key, "/", tables.size());
    if (!item.is_object()) {
      fail(file_->name, ":", file_->lines.at(pointer), ": \"", key,
           "\" must be a list of tables, got ", kind_of(item), " in it");
    }
    tables.push_back(TomlTable(file_, std::move(pointer), item));
  }
  return tables;
}

Json TomlTable::object(const std::string& key) const {
  if (!has(key)) return Json::object();
  return value(key, "a table", values_[key].is_object());
}

void TomlTable::expect_only(const std::vector<std::string>& known) const {
  for (const auto& [key, unused] : values_.items()) {
    bool is_known = false;
    for (const auto& name : known) is_known = is_known || name == key;
    if (!is_known) fail(place(key), ": unknown key ", quote(key), did_you_mean(key, known));
  }
}

}  // namespace hone
