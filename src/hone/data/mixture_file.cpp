#include <charconv>
#include <cmath>
#include <set>

#include <hone/base/error.h>
#include <hone/base/utf8.h>
#include <hone/data/mixture_file.h>
#include <hone/data/task_support.h>
#include <hone/data/toml_table.h>
#include <hone/text/jinja_json.h>

namespace hone {
namespace {

using std::filesystem::path;

LabelledFile read_file_entry(const TomlTable& table, const path& folder) {
  table.expect_only({"path", "format", "columns", "quotes", "set"});
  return {.path = folder / table.text("path"),
          .format = table.text("format", "auto"),
          .columns = table.texts("columns"),
          .quotes = table.flag("quotes", true),
          .set = table.object("set")};
}

std::vector<std::pair<std::string, jinja::Template>> read_fields(const TomlTable& table) {
  std::vector<std::pair<std::string, jinja::Template>> fields;
  const auto place = table.place("fields");
  const auto entries = table.object("fields");
  for (const auto& [name, source] : entries.items()) {
    if (!source.is_string()) fail(place, ": field ", quote(name), " must be Jinja text");
    fields.emplace_back(name,
                        jinja::Template(source.get<std::string>(), concat(place, ": field ", name),
                                        jinja::Environment::kTask));
  }
  return fields;
}

MixSource read_source(const TomlTable& table, const path& folder) {
  table.expect_only({"name", "templates", "files", "fields", "integers", "use", "weight"});
  MixSource source{.name = table.text("name"), .files = {}};
  for (const auto& entry : table.tables("files"))
    source.files.push_back(read_file_entry(entry, folder));
  if (source.files.empty())
    fail(table.place("files"), ": source ", quote(source.name), " has no files");
  const auto use = table.texts("use");
  if (table.has("templates")) {
    source.task = read_task(folder / table.text("templates"), use);
  } else if (!use.empty()) {
    fail(table.place("use"), ": source ", quote(source.name), " has no \"templates\" to use");
  }
  source.fields = read_fields(table);
  source.integers = table.texts("integers");
  if (table.has("weight")) {
    source.weight = table.number("weight", 0.0);
    if (!std::isfinite(*source.weight) || *source.weight < 0.0)
      fail(table.place("weight"), ": a weight must be 0 or more, got ", *source.weight);
  }
  return source;
}

/// The record with the fields that the source makes.
void fill_fields(const MixSource& source, const std::string& place, Json& record) {
  if (source.fields.empty()) return;
  TaskInputs inputs;
  for (const auto& [key, value] : record.items())
    inputs.emplace_back(key, jinja::from_json(value, jinja::kInputTag));
  std::vector<std::string> texts;
  for (const auto& [name, made] : source.fields) {
    for (const auto& input : made.inputs()) {
      if (!record.contains(input))
        fail(place, ": the record has no field ", quote(input), ", of which ", quote(name),
             " is made");
    }
    texts.push_back(render_text(made, inputs, place, 0));
  }
  for (std::size_t i = 0; i < texts.size(); ++i) record[source.fields[i].first] = texts[i];
}

/// Turns the texts of the source's `integers` into numbers.
void make_integers(const MixSource& source, const std::string& place, Json& record) {
  for (const auto& name : source.integers) {
    if (!record.contains(name)) fail(place, ": the record has no field ", quote(name));
    auto& value = record[name];
    if (value.is_number_integer()) continue;
    std::int64_t number = 0;
    const auto text = value.is_string() ? strip_text(value.get<std::string>()) : std::string();
    const auto* const end = text.data() + text.size();
    const auto result = std::from_chars(text.data(), end, number);
    if (text.empty() || result.ec != std::errc() || result.ptr != end)
      fail(place, ": ", quote(name), " must be a whole number, got ", to_json_line(value));
    value = number;
  }
}

}  // namespace

void for_each_source_record(const MixSource& source,
                            const std::function<void(Json, const std::string&)>& each) {
  for (const auto& file : source.files) {
    for_each_labelled(file, [&](Json record, const std::string& place) {
      fill_fields(source, place, record);
      make_integers(source, place, record);
      if (source.task) source.task->check(record, place);
      each(std::move(record), place);
    });
  }
}

std::vector<MixSource> read_mixture(const path& file) {
  const auto table = TomlTable::read(file);
  table.expect_only({"source"});
  std::vector<MixSource> sources;
  std::set<std::string> names;
  std::size_t weights = 0;
  for (const auto& entry : table.tables("source")) {
    sources.push_back(read_source(entry, file.parent_path()));
    if (!names.insert(sources.back().name).second)
      fail(entry.place("name"), ": two sources are called ", quote(sources.back().name));
    weights += sources.back().weight ? 1 : 0;
  }
  if (sources.empty()) fail(file.string(), ": has no [[source]]");
  if (weights > 0 && weights < sources.size())
    fail(file.string(), ": ", weights, " of ", sources.size(),
         " sources have a \"weight\"; give it to all or to none");
  return sources;
}

}  // namespace hone
