#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include <hone/base/error.h>
#include <hone/base/nearest.h>
#include <hone/base/utf8.h>
#include <hone/data/task_file.h>
#include <hone/data/task_support.h>
#include <hone/data/toml_table.h>
#include <hone/text/jinja_json.h>

namespace hone {
namespace {

using jinja::Environment;
using jinja::Value;
using Texts = std::vector<std::string>;

constexpr const char* kAnswer = "{{ answer }}";

bool holds(const Texts& texts, const std::string& text) {
  return std::ranges::find(texts, text) != texts.end();
}

struct FileTemplate {
  jinja::Template prompt;
  jinja::Template completion;
  Texts choices;
};

/// What a task file says but its templates.
struct Head {
  std::string file;
  std::string task;
  Texts fields, optional;
  std::string label;  // empty: the task has none
  Texts labels, choices;
  std::string choices_from;

  /// The variables that a template may read.
  Texts variables() const {
    Texts names = fields;
    names.insert(names.end(), optional.begin(), optional.end());
    if (!label.empty()) names.insert(names.end(), {"answer", "label", "choices"});
    return names;
  }
};

class FileTask : public Task {
 public:
  FileTask(Head head, Texts names, std::vector<FileTemplate> templates)
      : head_(std::move(head)), names_(std::move(names)), templates_(std::move(templates)) {}

  const std::string& name() const override { return head_.task; }
  const Texts& template_names() const override { return names_; }

  void check(const Json& record, const std::string& place) const override {
    for (const auto& field : head_.fields) {
      if (!record.contains(field) || record[field].is_null())
        fail(place, ": the record has no field ", quote(field));
    }
    if (!head_.label.empty()) find_answer(record, place, head_.choices);
  }

  std::string content(const Json& record) const override {
    std::string texts;
    for (const auto& field : head_.fields) append_texts(record[field], texts);
    if (!head_.choices_from.empty()) append_texts(record[head_.choices_from], texts);
    return texts;
  }

  std::optional<Instruction> render(const Json& record,
                                    const std::string& place,
                                    std::size_t index,
                                    std::uint64_t seed) const override {
    check(record, place);
    const auto& chosen = templates_[index];
    const auto inputs = make_inputs(record, place, chosen.choices);
    Instruction instruction{strip_text(render_text(chosen.prompt, inputs, place, seed)),
                            strip_text(render_text(chosen.completion, inputs, place, seed))};
    if (instruction.prompt.empty() || instruction.completion.empty()) return std::nullopt;
    return instruction;
  }

 private:
  struct Answer {
    Texts choices;
    std::int64_t label = -1;  // -1: the answer is any text
    std::string text;
  };

  TaskInputs make_inputs(const Json& record, const std::string& place, const Texts& words) const {
    TaskInputs inputs;
    for (const auto& field : head_.fields)
      inputs.emplace_back(field, jinja::from_json(record[field], jinja::kInputTag));
    for (const auto& field : head_.optional) {
      inputs.emplace_back(field, record.contains(field)
                                     ? jinja::from_json(record[field], jinja::kInputTag)
                                     : Value::none());
    }
    if (head_.label.empty()) return inputs;
    auto answer = find_answer(record, place, words);
    std::vector<Value> choices;
    for (const auto& choice : answer.choices) choices.push_back(Value::text(choice));
    inputs.emplace_back("choices", Value::list(std::move(choices)));
    inputs.emplace_back("label", answer.label < 0 ? Value::none() : Value::integer(answer.label));
    inputs.emplace_back("answer", Value::text(answer.text));
    return inputs;
  }

  /// The choices of the record and which of them is right.
  Answer find_answer(const Json& record, const std::string& place, const Texts& words) const {
    if (!record.contains(head_.label) || record[head_.label].is_null())
      fail(place, ": the record has no field ", quote(head_.label));
    const auto& label = record[head_.label];
    Answer answer;
    answer.choices = head_.choices_from.empty() ? words : record_choices(record, place);
    if (answer.choices.empty()) {
      if (!label.is_string())
        fail(place, ": ", quote(head_.label), " must be a text, got ", label.type_name());
      answer.text = label.get<std::string>();
      return answer;
    }
    const auto number = label_number(label, answer.choices);
    if (!number) {
      fail(place, ": unknown choice ",
           label.is_string() ? quote(label.get<std::string>()) : to_json_line(label), " in ",
           quote(head_.label), ", expected ", expected(answer.choices));
    }
    answer.label = static_cast<std::int64_t>(*number);
    answer.text = answer.choices[*number];
    return answer;
  }

  Texts record_choices(const Json& record, const std::string& place) const {
    const auto& key = head_.choices_from;
    if (!record.contains(key)) fail(place, ": the record has no field ", quote(key));
    const auto& list = record[key];
    const bool fits = list.is_array() && !list.empty() &&
                      std::ranges::all_of(list, [](const Json& item) { return item.is_string(); });
    if (!fits) fail(place, ": ", quote(key), " must be a list of texts");
    return list.get<Texts>();
  }

  /// Which choice `label` means; nothing where none.
  std::optional<std::size_t> label_number(const Json& label, const Texts& choices) const {
    if (label.is_number_integer()) {
      const auto number = label.get<std::int64_t>();
      if (number < 0 || number >= static_cast<std::int64_t>(choices.size())) return std::nullopt;
      return static_cast<std::size_t>(number);
    }
    if (label.is_boolean() && choices.size() == 2) return label.get<bool>() ? 1 : 0;
    if (!label.is_string()) return std::nullopt;
    const auto text = label.get<std::string>();
    const auto& names = head_.choices_from.empty() ? head_.labels : choices;
    const auto found = std::ranges::find(names, text);
    if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
    for (std::size_t i = 0; i < choices.size(); ++i) {
      if (text == std::to_string(i)) return i;
    }
    return std::nullopt;
  }

  std::string expected(const Texts& choices) const {
    std::string text = concat("0 to ", choices.size() - 1);
    for (const auto& name : head_.labels) text += concat(", ", quote(name));
    return text;
  }

  Head head_;
  Texts names_;
  std::vector<FileTemplate> templates_;
};

void check_choices(const TomlTable& table, const Head& head, const Texts& choices) {
  if (!table.has("choices")) return;
  if (head.labels.empty())
    fail(table.place("choices"), ": \"choices\" are words for \"labels\", which the task has not");
  if (choices.size() != head.labels.size()) {
    fail(table.place("choices"), ": \"choices\" must be as many as \"labels\", ",
         head.labels.size(), ", got ", choices.size());
  }
}

Head read_head(const TomlTable& table, const std::string& file) {
  table.expect_only({"task", "about", "fields", "optional", "label", "labels", "choices",
                     "choices_from", "template"});
  Head head{.file = file,
            .task = table.text("task"),
            .fields = table.texts("fields"),
            .optional = table.texts("optional"),
            .label = table.text("label", ""),
            .labels = table.texts("labels"),
            .choices = table.texts("choices"),
            .choices_from = table.text("choices_from", "")};
  if (head.fields.empty()) fail(table.place("fields"), ": \"fields\" must name at least one field");
  if (head.label.empty() && (!head.labels.empty() || !head.choices_from.empty()))
    fail(table.place(), ": the task has choices but no \"label\"");
  if (!head.labels.empty() && !head.choices_from.empty()) {
    fail(table.place("choices_from"),
         ": a task has either \"labels\" or \"choices_from\", not both");
  }
  for (const auto* own : {"answer", "label", "choices"}) {
    if (!head.label.empty() && (holds(head.fields, own) || holds(head.optional, own)))
      fail(table.place("fields"), ": a field cannot be called ", quote(own),
           ", which templates have of their own");
  }
  check_choices(table, head, head.choices);
  if (head.choices.empty()) head.choices = head.labels;
  return head;
}

/// The Jinja text of `key`, whose variables must all be known.
jinja::Template compile(const TomlTable& table,
                        const char* key,
                        const std::string& source,
                        const Texts& variables) {
  const auto place = concat(table.place(key), ": ", key, " of ", quote(table.text("name")));
  jinja::Template compiled(source, place, Environment::kTask);
  for (const auto& name : compiled.inputs()) {
    if (!holds(variables, name))
      fail(place, ": unknown variable ", quote(name), did_you_mean(name, variables));
  }
  return compiled;
}

FileTemplate read_template(const TomlTable& table, const Head& head) {
  table.expect_only({"name", "prompt", "completion", "choices"});
  const auto variables = head.variables();
  if (head.label.empty()) table.text("completion");
  auto choices = table.texts("choices");
  check_choices(table, head, choices);
  return {compile(table, "prompt", table.text("prompt"), variables),
          compile(table, "completion", table.text("completion", kAnswer), variables),
          choices.empty() ? head.choices : choices};
}

}  // namespace

std::shared_ptr<const Task> read_task_file(const std::filesystem::path& path, const Texts& use) {
  const auto table = TomlTable::read(path);
  auto head = read_head(table, path.string());
  const auto entries = table.tables("template");
  if (entries.empty()) fail(path.string(), ": has no [[template]]");
  Texts names;
  std::vector<FileTemplate> all;
  for (const auto& entry : entries) {
    names.push_back(entry.text("name"));
    all.push_back(read_template(entry, head));
  }
  Texts used_names;
  std::vector<FileTemplate> used;
  for (const auto index : select_templates(names, use, path.string())) {
    used_names.push_back(names[index]);
    used.push_back(all[index]);
  }
  return std::make_shared<FileTask>(std::move(head), std::move(used_names), std::move(used));
}

}  // namespace hone
