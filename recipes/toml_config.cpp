#include "toml_config.h"

#include <charconv>
#include <istream>
#include <optional>
#include <regex>
#include <sstream>

#include <nlohmann/json.hpp>
#include <toml++/toml.h>

#include <hone/base/error.h>

namespace hone::recipes {
namespace {

using Values = std::vector<std::string>;

std::string shortest(double number) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, number).ptr;
  return {text, end};
}

/// A plain value as it would be typed on the command line.
std::optional<std::string> typed(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return std::to_string(number->get());
  if (const auto* number = node.as_floating_point()) return shortest(number->get());
  if (const auto* truth = node.as_boolean()) return truth->get() ? "true" : "false";
  return std::nullopt;
}

Values values_of(const std::string& key, const toml::node& node) {
  const auto refuse = [&](const toml::node& bad) {
    fail(bad.source().begin.line, ": \"", key,
         "\" must be a text, a number, true, false or a list");
  };
  Values values;
  const auto add = [&](const toml::node& one) {
    const auto value = typed(one);
    if (!value) refuse(one);
    values.push_back(*value);
  };
  if (const auto* list = node.as_array()) {
    for (const auto& item : *list) add(item);
  } else {
    add(node);
  }
  return values;
}

/// A value of `option` as TOML: a bare number or truth where the option takes one, else a text.
std::string written(const CLI::Option& option, const std::string& value) {
  static const std::regex kNumber(R"([+-]?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?)");
  const bool is_truth = value == "true" || value == "false";
  const bool is_text = option.get_type_name().starts_with("TEXT");
  if (!is_text && is_truth) return value;
  if (!is_text && std::regex_match(value, kNumber)) {
    const bool is_whole = value.find_first_of(".eE") == std::string::npos;
    return is_whole ? value : shortest(std::stod(value));
  }
  return nlohmann::json(value).dump();
}

std::string written_list(const CLI::Option& option, const Values& values) {
  std::string list;
  for (const auto& value : values) list += (list.empty() ? "" : ", ") + written(option, value);
  return "[" + list + "]";
}

/// The items of a default that CLI11 shows as `[a,b]`.
Values default_items(std::string shown) {
  if (shown.size() < 2 || shown.front() != '[') return {};
  std::stringstream items(shown.substr(1, shown.size() - 2));
  Values values;
  for (std::string item; std::getline(items, item, ',');) values.push_back(item);
  return values;
}

/// What stands behind `=`; nothing where the option was not given and has no default.
std::optional<std::string> value_of(const CLI::Option& option, bool default_also) {
  const bool is_list = option.get_items_expected_max() > 1;
  const bool is_flag = option.get_expected_min() == 0 && option.get_type_size() <= 1 && !is_list;
  if (option.count() > 0) {
    const auto results = option.reduced_results();
    return is_list ? written_list(option, results) : written(option, results.back());
  }
  if (!default_also) return std::nullopt;
  const auto shown = option.get_default_str();
  if (is_list) return written_list(option, default_items(shown));
  if (is_flag && shown.empty()) return "false";
  return shown.empty() ? "\"\"" : written(option, shown);
}

}  // namespace

std::string TomlConfig::to_config(const CLI::App* app,
                                  bool default_also,
                                  bool write_description,
                                  std::string prefix) const {
  std::string text;
  if (write_description) text += "# " + app->get_description() + "\n";
  for (const auto* option : app->get_options({})) {
    if (!option->get_configurable()) continue;
    const auto value = value_of(*option, default_also);
    if (!value) continue;
    if (write_description) text += "\n# " + option->get_description() + "\n";
    text += prefix + option->get_single_name() + " = " + *value + "\n";
  }
  return text;
}

std::vector<CLI::ConfigItem> TomlConfig::from_config(std::istream& input) const {
  toml::table table;
  try {
    table = toml::parse(input);
  } catch (const toml::parse_error& error) {
    fail(error.source().begin.line, ": not TOML: ", error.description());
  }
  std::vector<CLI::ConfigItem> found;
  for (const auto& [name, node] : table) {
    const std::string key(name.str());
    lines_[key] = static_cast<std::int64_t>(node.source().begin.line);
    auto values = values_of(key, node);
    if (values.empty()) continue;  // an empty list is what a list option has without the key
    found.push_back({.parents = {}, .name = key, .inputs = std::move(values)});
  }
  return found;
}

std::int64_t TomlConfig::line_of(const std::string& key) const {
  const auto found = lines_.find(key);
  return found == lines_.end() ? 0 : found->second;
}

}  // namespace hone::recipes
