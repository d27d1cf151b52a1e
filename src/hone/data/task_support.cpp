#include <algorithm>

#include <nlohmann/json.hpp>

#include <hone/base/error.h>
#include <hone/base/nearest.h>
#include <hone/base/utf8.h>
#include <hone/data/task_support.h>
#include <hone/text/jinja_methods.h>

namespace hone {

std::string strip_text(const std::string& text) {
  return jinja::strip(jinja::Text(text), nullptr, true, true).bytes();
}

void append_texts(const Json& value, std::vector<std::string>& texts) {
  if (value.is_string()) {
    texts.push_back(value.get<std::string>());
  } else if (value.is_structured()) {
    for (const auto& item : value) append_texts(item, texts);
  }
}

void append_texts(const Json& value, std::string& text) {
  std::vector<std::string> texts;
  append_texts(value, texts);
  for (const auto& part : texts) text.append(part).push_back('\n');
}

std::vector<std::size_t> select_templates(const std::vector<std::string>& names,
                                          const std::vector<std::string>& use,
                                          const std::string& file) {
  for (auto name = names.begin(); name != names.end(); ++name) {
    if (std::find(names.begin(), name, *name) != name)
      fail(file, ": two templates are called ", quote(*name));
  }
  std::vector<std::size_t> selected;
  for (std::size_t i = 0; use.empty() && i < names.size(); ++i) selected.push_back(i);
  for (const auto& name : use) {
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end())
      fail(file, ": no template is called ", quote(name), did_you_mean(name, names));
    selected.push_back(static_cast<std::size_t>(found - names.begin()));
  }
  return selected;
}

std::string render_text(const jinja::Template& source,
                        const TaskInputs& inputs,
                        const std::string& place,
                        std::uint64_t seed) {
  try {
    return source.render(inputs, 0, {}, seed).text.bytes();
  } catch (const Error& error) {
    fail(place, ": ", error.what());
  }
}

}  // namespace hone
