// Tables of names that a user may give, and lists of names for messages.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <hone/base/error.h>

namespace hone {

/// `names` with commas between them.
std::string joined(const std::vector<std::string>& names);

/// The names of a table of names and what they stand for.
template <typename Value, std::size_t N>
std::vector<std::string> names_in(const std::array<std::pair<const char*, Value>, N>& known) {
  std::vector<std::string> names;
  for (const auto& [name, value] : known) names.emplace_back(name);
  return names;
}

/// What `name` stands for; null where it is not among them.
template <typename Value, std::size_t N>
const Value* find_named(const std::string& name,
                        const std::array<std::pair<const char*, Value>, N>& known) {
  for (const auto& [text, value] : known) {
    if (name == text) return &value;
  }
  return nullptr;
}

/// What `name` stands for. Throws `Error` naming `option` and the names that it takes.
template <typename Value, std::size_t N>
Value choose(const char* option,
             const std::string& name,
             const std::array<std::pair<const char*, Value>, N>& known) {
  if (const auto* value = find_named(name, known)) return *value;
  fail(option, " \"", name, "\" is not one of ", joined(names_in(known)));
}

}  // namespace hone
