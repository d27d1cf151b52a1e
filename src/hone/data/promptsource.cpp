#include <algorithm>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>
#include <yaml-cpp/yaml.h>

#include <hone/base/error.h>
#include <hone/base/files.h>
#include <hone/base/utf8.h>
#include <hone/data/promptsource.h>
#include <hone/data/task_support.h>
#include <hone/text/jinja_json.h>

namespace hone {
namespace {

using jinja::Environment;
using jinja::Value;
using Texts = std::vector<std::string>;

constexpr std::string_view kSeparator = "|||";
constexpr std::string_view kGuard = "\xee\x83\xb0\xee\x83\xb1";  // two characters for private use
constexpr const char* kChoices = "answer_choices";

std::string replace_all(std::string text, std::string_view from, std::string_view to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

/// The parts of a rendered text, without white space at their ends, separators of the record put
/// back.
Texts split_rendered(const std::string& text) {
  Texts parts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const auto end = std::min(text.find(kSeparator, begin), text.size());
    parts.push_back(replace_all(strip_text(text.substr(begin, end - begin)), kGuard, kSeparator));
    begin = end + kSeparator.size();
  }
  return parts;
}

struct SourceTemplate {
  std::string name;
  jinja::Template text;
  std::optional<jinja::Template> choices;
  Texts inputs;  // fields that it reads
};

class PromptSourceTask : public Task {
 public:
  PromptSourceTask(std::string name, std::vector<SourceTemplate> templates)
      : name_(std::move(name)), templates_(std::move(templates)) {
    for (const auto& entry : templates_) names_.push_back(entry.name);
  }

  const std::string& name() const override { return name_; }
  const Texts& template_names() const override { return names_; }

  void check(const Json& record, const std::string& place) const override {
    for (const auto& entry : templates_) check_fields(entry, record, place);
  }

  std::string content(const Json& record) const override {
    std::string texts;
    append_texts(record, texts);
    return texts;
  }

  std::optional<Instruction> render(const Json& record,
                                    const std::string& place,
                                    std::size_t index,
                                    std::uint64_t seed) const override {
    const auto& entry = templates_[index];
    check_fields(entry, record, place);
    auto inputs = make_inputs(record);
    auto choices = Value::none();
    if (entry.choices) {
      std::vector<Value> list;
      for (const auto& choice : split_rendered(render_text(*entry.choices, inputs, place, seed)))
        list.push_back(Value::text(choice));
      choices = Value::list(std::move(list));
    }
    inputs.emplace_back(kChoices, std::move(choices));
    const auto parts = split_rendered(render_text(entry.text, inputs, place, seed));
    if (parts.size() > 2) {
      fail(place, ": template ", quote(entry.name), " gives ", parts.size(),
           " parts, expected a prompt and a completion");
    }
    if (parts.size() < 2 || parts[0].empty() || parts[1].empty()) return std::nullopt;
    return Instruction{parts[0], parts[1]};
  }

 private:
  void check_fields(const SourceTemplate& entry,
                    const Json& record,
                    const std::string& place) const {
    if (record.contains(kChoices))
      fail(place, ": the record has a field ", quote(kChoices),
           ", which templates make themselves");
    for (const auto& field : entry.inputs) {
      if (!record.contains(field)) {
        fail(place, ": the record has no field ", quote(field), ", which template ",
             quote(entry.name), " reads");
      }
    }
  }

  static TaskInputs make_inputs(const Json& record) {
    TaskInputs inputs;
    for (const auto& [key, value] : record.items()) {
      inputs.emplace_back(key, value.is_string() ? Value::text(replace_all(value.get<std::string>(),
                                                                           kSeparator, kGuard))
                                                 : jinja::from_json(value, jinja::kInputTag));
    }
    return inputs;
  }

  std::string name_;
  std::vector<SourceTemplate> templates_;
  Texts names_;
};

std::string place_of(const std::string& file, const YAML::Node& node) {
  return concat(file, ":", node.Mark().line + 1);
}

std::string text_of(const YAML::Node& node, const char* key, const std::string& file) {
  const auto value = node[key];
  if (!value || !value.IsScalar()) fail(place_of(file, node), ": ", quote(key), " must be a text");
  return value.Scalar();
}

SourceTemplate read_template(const YAML::Node& node, const std::string& file) {
  if (!node.IsMap() || node.Tag() != "!Template")
    fail(place_of(file, node), ": expected a !Template with its keys");
  const auto name = text_of(node, "name", file);
  const auto source = text_of(node, "jinja", file);
  const auto place = concat(place_of(file, node["jinja"]), ": ", quote(name));
  SourceTemplate entry{name, jinja::Template(source, place, Environment::kTask), {}, {}};
  entry.inputs = entry.text.inputs();
  const auto choices = node[kChoices];
  if (choices && !choices.IsNull()) {
    entry.choices.emplace(text_of(node, kChoices, file), concat(place, ": answer_choices"),
                          Environment::kTask);
    for (const auto& input : entry.choices->inputs()) entry.inputs.push_back(input);
  }
  std::erase(entry.inputs, kChoices);
  return entry;
}

std::vector<SourceTemplate> read_templates(const YAML::Node& root, const std::string& file) {
  if (!root.IsMap() || !root["templates"] || !root["templates"].IsMap())
    fail(file, ": expected the keys \"dataset\" and \"templates\"");
  std::vector<SourceTemplate> all;
  for (const auto& entry : root["templates"]) all.push_back(read_template(entry.second, file));
  if (all.empty()) fail(file, ": has no templates");
  return all;
}

/// What a file holds.
struct SourceFile {
  std::string task;
  std::vector<SourceTemplate> templates;
};

SourceFile read_source(const std::filesystem::path& path) {
  const auto file = path.string();
  const auto text = read_file(path);
  if (const auto bad = find_invalid_utf8(text)) fail(file, ": not UTF-8 at byte ", *bad + 1);
  try {
    const auto root = YAML::Load(text);
    SourceFile source{.task = {}, .templates = read_templates(root, file)};
    source.task = text_of(root, "dataset", file);
    if (root["subset"] && !root["subset"].IsNull())
      source.task += "/" + text_of(root, "subset", file);
    return source;
  } catch (const YAML::Exception& error) {
    fail(file, ":", error.mark.line + 1, ": not YAML: ", error.msg);
  }
}

}  // namespace

std::shared_ptr<const Task> read_promptsource(const std::filesystem::path& path, const Texts& use) {
  auto source = read_source(path);
  Texts names;
  for (const auto& entry : source.templates) names.push_back(entry.name);
  std::vector<SourceTemplate> used;
  for (const auto index : select_templates(names, use, path.string()))
    used.push_back(source.templates[index]);
  return std::make_shared<PromptSourceTask>(std::move(source.task), std::move(used));
}

}  // namespace hone
