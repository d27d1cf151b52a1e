#include <algorithm>
#include <set>

#include <hone/base/error.h>
#include <hone/base/names.h>
#include <hone/base/nearest.h>
#include <hone/model/name_patterns.h>

namespace hone {

bool is_expression(const std::string& pattern) {
  return std::any_of(pattern.begin(), pattern.end(), [](unsigned char c) {
    const bool of_names = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
    return !of_names;
  });
}

bool ends_in(const std::string& name, const std::string& end) {
  return name == end || name.ends_with("." + end);
}

NamePatterns::NamePatterns(const std::string& field, const std::vector<std::string>& patterns)
    : field_(field) {
  for (const auto& text : patterns) {
    Pattern pattern{text, std::nullopt};
    if (is_expression(text)) {
      try {
        pattern.expression.emplace(text, std::regex::ECMAScript | std::regex::optimize);
      } catch (const std::regex_error& error) {
        fail(field, ": \"", text, "\" is no regular expression: ", error.what());
      }
    }
    patterns_.push_back(std::move(pattern));
  }
}

bool NamePatterns::Pattern::means(const std::string& name) const {
  return expression ? std::regex_match(name, *expression) : ends_in(name, text);
}

bool NamePatterns::match(const std::string& name) const {
  return std::any_of(patterns_.begin(), patterns_.end(),
                     [&](const Pattern& pattern) { return pattern.means(name); });
}

std::optional<std::string> NamePatterns::find(const std::string& name) const {
  for (const auto& pattern : patterns_) {
    if (pattern.means(name)) return pattern.text;
  }
  return std::nullopt;
}

void NamePatterns::check(const std::vector<std::string>& names, const std::string& more) const {
  std::set<std::string> last_parts;
  for (const auto& name : names) last_parts.insert(name.substr(name.rfind('.') + 1));
  const std::vector<std::string> known(last_parts.begin(), last_parts.end());
  for (const auto& pattern : patterns_) {
    const bool named = std::any_of(names.begin(), names.end(),
                                   [&](const auto& name) { return pattern.means(name); });
    if (named) continue;
    fail(field_, ": \"", pattern.text, "\" names no module", did_you_mean(pattern.text, known),
         "; the model has ", joined(known), more.empty() ? "" : " and " + more);
  }
}

}  // namespace hone
