// The methods of Python's str, list, tuple and dict.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hone/text/jinja_runtime.h>
#include <hone/text/jinja_value.h>

namespace hone::jinja {

/// The evaluated arguments of a call.
struct CallArguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> keywords;
};

/// Arguments bound to named parameters, as Python binds them.
class Bound {
 public:
  /// Throws `Error` naming `function` where there are too many arguments, an unknown or repeated
  /// one, or fewer than `required`.
  Bound(std::string_view function,
        const CallArguments& arguments,
        std::vector<std::string_view> parameters,
        std::size_t required = 0);

  bool has(std::size_t index) const { return values_[index] != nullptr; }
  /// The argument, or `absent`.
  const Value& get(std::size_t index, const Value& absent) const {
    return has(index) ? *values_[index] : absent;
  }
  const Value& operator[](std::size_t index) const { return *values_[index]; }
  /// The argument's truth, or `absent`.
  bool flag(std::size_t index, bool absent) const {
    return has(index) ? truth(*values_[index]) : absent;
  }

 private:
  std::vector<const Value*> values_;
};

bool has_method(const Value& value, std::string_view name);

/// Whether Jinja's sandbox hides the method: it would change the value, or its name starts with an
/// underscore.
bool is_unsafe_method(const Value& value, std::string_view name);

/// Calls a method of a text, list, tuple or dict. Throws `Error` where Python raises.
Value call_method(Runtime& runtime,
                  const Value& self,
                  std::string_view name,
                  const CallArguments& arguments);

bool has_text_method(std::string_view name);
Value call_text_method(Runtime& runtime,
                       const Text& self,
                       std::string_view name,
                       const CallArguments& arguments);

/// str.strip without `chars` or with; `left` and `right` say at which ends.
Text strip(const Text& text, const Text* chars, bool left, bool right);
/// str.upper, str.lower, str.title, str.capitalize, str.swapcase, str.casefold by name.
Text change_case(Runtime& runtime, const Text& text, std::string_view how);
/// str.replace; a negative count replaces all.
Text replace(
    Runtime& runtime, const Text& text, const Text& from, const Text& to, std::int64_t count);
/// str.join of texts.
Text join_texts(Runtime& runtime, const Text& separator, const std::vector<Text>& texts);
/// str.splitlines.
std::vector<Value> split_lines(Runtime& runtime, const Text& text, bool keep_ends);
/// str.islower or str.isupper.
bool has_case(std::string_view text, bool upper);

}  // namespace hone::jinja
