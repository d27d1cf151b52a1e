// The methods of Python's str.
#include <algorithm>
#include <functional>
#include <map>
#include <optional>

#include <hone/base/error.h>
#include <hone/text/jinja_format.h>
#include <hone/text/jinja_methods.h>
#include <hone/text/jinja_operators.h>
#include <hone/text/jinja_unicode.h>

namespace hone::jinja {
namespace {

/// Positional-only arguments, as most methods of str take them.
Bound positional(std::string_view name,
                 const CallArguments& arguments,
                 std::vector<std::string_view> names,
                 std::size_t required) {
  if (!arguments.keywords.empty()) fail(name, "() takes no keyword arguments");
  return Bound(name, arguments, std::move(names), required);
}

/// Searching backward takes up to the product of both lengths.
void charge_backward(Runtime& runtime, std::size_t text, std::size_t part) {
  constexpr std::size_t kFew = 64;
  if (part > kFew) runtime.read(text > SIZE_MAX / part ? SIZE_MAX : text * part);
}

std::size_t rfind_text(Runtime& runtime, std::string_view text, std::string_view part) {
  charge_backward(runtime, text.size(), part.size());
  return text.rfind(part);
}

/// The bytes that start and end (code points, Python's rules) select; nothing where start lies
/// behind the end.
std::optional<std::pair<std::size_t, std::size_t>> window(const std::string& bytes,
                                                          const Bound& bound,
                                                          std::size_t first) {
  const auto size = static_cast<std::int64_t>(count_codes(bytes));
  const auto limit = [&](std::size_t argument, std::int64_t absent) {
    if (!bound.has(argument) || bound[argument].is(Kind::kNone)) return absent;
    const std::int64_t value = integer_argument(bound[argument], "a bound");
    return value < 0 ? std::max<std::int64_t>(value + size, 0) : value;
  };
  const std::int64_t start = limit(first, 0);
  const std::int64_t end = std::min(limit(first + 1, size), size);
  if (start > size || start > end) return std::nullopt;
  const std::size_t begin = offset_of(bytes, static_cast<std::size_t>(start));
  return std::pair(begin, begin + offset_of(std::string_view(bytes).substr(begin),
                                            static_cast<std::size_t>(end - start)));
}

Value find(Runtime& runtime,
           const Text& self,
           std::string_view name,
           const CallArguments& arguments) {
  const Bound bound = positional(name, arguments, {"sub", "start", "end"}, 1);
  const std::string& needle = text_argument(bound[0], "sub").bytes();
  const bool from_right = name[0] == 'r';
  const auto area = window(self.bytes(), bound, 1);
  std::size_t found = std::string::npos;
  if (area) {
    const auto view =
        std::string_view(self.bytes()).substr(area->first, area->second - area->first);
    found = from_right ? rfind_text(runtime, view, needle) : find_text(view, needle);
    if (found != std::string::npos) found += area->first;
  }
  if (found != std::string::npos) {
    return Value::integer(
        static_cast<std::int64_t>(count_codes(std::string_view(self.bytes()).substr(0, found))));
  }
  if (name.ends_with("index")) fail("substring not found");
  return Value::integer(-1);
}

Value count(Runtime&, const Text& self, std::string_view name, const CallArguments& arguments) {
  const Bound bound = positional(name, arguments, {"sub", "start", "end"}, 1);
  const std::string& needle = text_argument(bound[0], "sub").bytes();
  const auto area = window(self.bytes(), bound, 1);
  if (!area) return Value::integer(0);
  const auto view = std::string_view(self.bytes()).substr(area->first, area->second - area->first);
  if (needle.empty()) return Value::integer(static_cast<std::int64_t>(count_codes(view)) + 1);
  std::int64_t found = 0;
  for (auto at = find_text(view, needle); at != std::string_view::npos;
       at = find_text(view, needle, at + needle.size()))
    ++found;
  return Value::integer(found);
}

Value starts_or_ends(Runtime&,
                     const Text& self,
                     std::string_view name,
                     const CallArguments& arguments) {
  const Bound bound = positional(name, arguments, {"affix", "start", "end"}, 1);
  const auto area = window(self.bytes(), bound, 1);
  const auto matches = [&](const Value& affix) {
    const std::string& text =
        text_argument(affix, "the argument of startswith and endswith").bytes();
    if (!area) return false;
    const auto view =
        std::string_view(self.bytes()).substr(area->first, area->second - area->first);
    return name == "startswith" ? view.starts_with(text) : view.ends_with(text);
  };
  if (bound[0].is(Kind::kTuple))
    return Value::boolean(std::ranges::any_of(bound[0].items(), matches));
  return Value::boolean(matches(bound[0]));
}

Value strip_method(Runtime& runtime,
                   const Text& self,
                   std::string_view name,
                   const CallArguments& arguments) {
  const Bound bound = positional(name, arguments, {"chars"}, 0);
  const bool given = bound.has(0) && !bound[0].is(Kind::kNone);
  const Text* chars = given ? &text_argument(bound[0], "the argument of strip") : nullptr;
  runtime.make(self.size());
  return Value::text(strip(self, chars, name != "rstrip", name != "lstrip"));
}

std::vector<Value> split_spaces(const Text& self, std::int64_t most) {
  std::vector<Value> parts;
  const std::string& bytes = self.bytes();
  std::size_t at = 0;
  while (true) {
    std::size_t begin = at;
    while (begin < bytes.size()) {
      std::size_t next = begin;
      if (!is_space(next_code(bytes, next))) break;
      begin = next;
    }
    if (begin == bytes.size()) return parts;
    if (most >= 0 && static_cast<std::int64_t>(parts.size()) == most) {
      parts.push_back(Value::text(self.slice(begin, bytes.size())));
      return parts;
    }
    std::size_t end = begin;
    while (end < bytes.size()) {
      std::size_t next = end;
      if (is_space(next_code(bytes, next))) break;
      end = next;
    }
    parts.push_back(Value::text(self.slice(begin, end)));
    at = end;
  }
}

std::vector<Value> split_spaces_right(const Text& self, std::int64_t most) {
  std::vector<Value> parts;
  const std::string& bytes = self.bytes();
  const auto is_space_before = [&](std::size_t at) {
    std::size_t start = previous_start(bytes, at);
    return is_space(next_code(bytes, start));
  };
  std::size_t end = bytes.size();
  while (true) {
    while (end > 0 && is_space_before(end)) end = previous_start(bytes, end);
    if (end == 0) break;
    if (static_cast<std::int64_t>(parts.size()) == most) {
      parts.push_back(Value::text(self.slice(0, end)));
      break;
    }
    std::size_t begin = end;
    while (begin > 0 && !is_space_before(begin)) begin = previous_start(bytes, begin);
    parts.push_back(Value::text(self.slice(begin, end)));
    end = begin;
  }
  std::ranges::reverse(parts);
  return parts;
}

std::vector<Value> split_at(const Text& self,
                            const std::string& separator,
                            std::int64_t most,
                            bool right) {
  std::vector<Value> parts;
  const std::string& bytes = self.bytes();
  std::size_t begin = 0;
  std::size_t end = bytes.size();
  while (most < 0 || static_cast<std::int64_t>(parts.size()) < most) {
    if (right) {
      if (end < separator.size()) break;
      const auto found = bytes.rfind(separator, end - separator.size());
      if (found == std::string::npos) break;
      parts.push_back(Value::text(self.slice(found + separator.size(), end)));
      end = found;
    } else {
      const auto found = find_text(bytes, separator, begin);
      if (found == std::string::npos) break;
      parts.push_back(Value::text(self.slice(begin, found)));
      begin = found + separator.size();
    }
  }
  parts.push_back(Value::text(self.slice(begin, end)));
  if (right) std::ranges::reverse(parts);
  return parts;
}

Value split(Runtime& runtime,
            const Text& self,
            std::string_view name,
            const CallArguments& arguments) {
  const Bound bound(name, arguments, {"sep", "maxsplit"});
  const std::int64_t most = bound.has(1) ? integer_argument(bound[1], "maxsplit") : -1;
  const bool right = name == "rsplit";
  // A text of one-letter words makes a value of every other byte.
  runtime.make(self.size());
  std::vector<Value> parts;
  if (!bound.has(0) || bound[0].is(Kind::kNone)) {
    parts = right && most >= 0 ? split_spaces_right(self, most) : split_spaces(self, most);
  } else {
    const std::string& separator = text_argument(bound[0], "sep").bytes();
    if (separator.empty()) fail("empty separator");
    if (right) charge_backward(runtime, self.size(), separator.size());
    parts = split_at(self, separator, most, right);
  }
  runtime.make_items(static_cast<std::int64_t>(parts.size()));
  return Value::list(std::move(parts));
}

Value partition(Runtime& runtime,
                const Text& self,
                std::string_view name,
                const CallArguments& arguments) {
  const Bound bound = positional(name, arguments, {"sep"}, 1);
  const Text& separator = text_argument(bound[0], "sep");
  if (separator.empty()) fail("empty separator");
  runtime.make(self.size());
  const bool right = name == "rpartition";
  const auto found = right ? rfind_text(runtime, self.bytes(), separator.bytes())
                           : find_text(self.bytes(), separator.bytes());
  const Value whole = Value::text(self);
  const Value empty = Value::text("");
  if (found == std::string::npos)
    return Value::tuple(right ? std::vector{empty, empty, whole}
                              : std::vector{whole, empty, empty});
  const std::size_t behind = found + separator.size();
  return Value::tuple({Value::text(self.slice(0, found)), Value::text(self.slice(found, behind)),
                       Value::text(self.slice(behind, self.size()))});
}

Value replace_method(Runtime& runtime,
                     const Text& self,
                     std::string_view name,
                     const CallArguments& arguments) {
  const Bound bound = positional(name, arguments, {"old", "new", "count"}, 2);
  return Value::text(replace(runtime, self, text_argument(bound[0], "old"),
                             text_argument(bound[1], "new"),
                             bound.has(2) ? integer_argument(bound[2], "count") : -1));
}

Value join_method(Runtime& runtime,
                  const Text& self,
                  std::string_view name,
                  const CallArguments& arguments) {
  const Bound bound = positional(name, arguments, {"iterable"}, 1);
  if (bound[0].is_undefined()) return Value::text("");
  std::vector<Text> texts;
  for (const Value& item : iterate(runtime, bound[0]))
    texts.push_back(text_argument(item, "an item of join"));
  return Value::text(join_texts(runtime, self, texts));
}

Value remove_affix(Runtime& runtime,
                   const Text& self,
                   std::string_view name,
                   const CallArguments& arguments) {
  const Bound bound = positional(name, arguments, {"affix"}, 1);
  const std::string& affix =
      text_argument(bound[0], "the argument of removeprefix and removesuffix").bytes();
  runtime.make(self.size());
  if (name == "removeprefix") {
    return Value::text(self.slice(self.bytes().starts_with(affix) ? affix.size() : 0, self.size()));
  }
  return Value::text(
      self.slice(0, self.size() - (self.bytes().ends_with(affix) ? affix.size() : 0)));
}

/// ljust, rjust, center and zfill.
Value pad(Runtime& runtime,
          const Text& self,
          std::string_view name,
          const CallArguments& arguments) {
  const Bound bound = positional(name, arguments, {"width", "fillchar"}, 1);
  const std::int64_t width = integer_argument(bound[0], "width");
  Text fill(name == "zfill" ? "0" : " ");
  if (bound.has(1)) fill = text_argument(bound[1], "fillchar");
  if (count_codes(fill.bytes()) != 1) fail("the fill character must be exactly one character long");
  const auto size = static_cast<std::int64_t>(count_codes(self.bytes()));
  if (width <= size) return Value::text(self);
  const std::int64_t missing = width - size;
  std::int64_t left = name == "ljust" ? 0 : missing;
  if (name == "center") left = missing / 2 + (missing & width & 1);
  const bool has_sign =
      name == "zfill" && (self.bytes().starts_with('-') || self.bytes().starts_with('+'));
  Text result = self.slice(0, has_sign ? 1 : 0);
  result.append(repeat(runtime, fill, left));
  result.append(self, has_sign ? 1 : 0, self.size());
  result.append(repeat(runtime, fill, missing - left));
  return Value::text(std::move(result));
}

Value split_lines_method(Runtime& runtime,
                         const Text& self,
                         std::string_view name,
                         const CallArguments& arguments) {
  const Bound bound(name, arguments, {"keepends"});
  return Value::list(split_lines(runtime, self, bound.flag(0, false)));
}

Value format_method(Runtime& runtime,
                    const Text& self,
                    std::string_view,
                    const CallArguments& arguments) {
  return Value::text(format_braces(runtime, self, arguments));
}

Value case_method(Runtime& runtime,
                  const Text& self,
                  std::string_view name,
                  const CallArguments& arguments) {
  positional(name, arguments, {}, 0);
  return Value::text(change_case(runtime, self, name));
}

bool all_codes(std::string_view text, bool (*is)(char32_t)) {
  for (std::size_t at = 0; at < text.size();) {
    if (!is(next_code(text, at))) return false;
  }
  return true;
}

bool is_title(std::string_view text) {
  bool cased = false;
  bool previous_cased = false;
  for (std::size_t at = 0; at < text.size();) {
    const char32_t code = next_code(text, at);
    const bool upper = is_upper(code) || (is_cased(code) && !is_lower(code));
    if (upper && previous_cased) return false;
    if (is_lower(code) && !previous_cased) return false;
    previous_cased = is_cased(code);
    cased = cased || previous_cased;
  }
  return cased;
}

Value question(Runtime& runtime,
               const Text& self,
               std::string_view name,
               const CallArguments& arguments) {
  positional(name, arguments, {}, 0);
  const std::string& bytes = self.bytes();
  runtime.read(bytes.size());
  if (name == "isascii") return Value::boolean(is_ascii(bytes));
  if (name == "isprintable") return Value::boolean(all_codes(bytes, is_printable));
  if (name == "islower" || name == "isupper")
    return Value::boolean(has_case(bytes, name == "isupper"));
  if (name == "istitle") return Value::boolean(is_title(bytes));
  const auto is = name == "isspace"     ? is_space
                  : name == "isalpha"   ? is_letter
                  : name == "isdigit"   ? is_digit
                  : name == "isdecimal" ? is_decimal
                  : name == "isnumeric"
                      ? is_numeric
                      : +[](char32_t code) { return is_letter(code) || is_numeric(code); };
  return Value::boolean(!bytes.empty() && all_codes(bytes, is));
}

using TextMethod = Value (*)(Runtime&, const Text&, std::string_view, const CallArguments&);

const std::map<std::string_view, TextMethod>& methods() {
  static const std::map<std::string_view, TextMethod> table = {
      {"capitalize", case_method},
      {"casefold", case_method},
      {"center", pad},
      {"count", count},
      {"endswith", starts_or_ends},
      {"find", find},
      {"format", format_method},
      {"index", find},
      {"isalnum", question},
      {"isalpha", question},
      {"isascii", question},
      {"isdecimal", question},
      {"isdigit", question},
      {"islower", question},
      {"isnumeric", question},
      {"isprintable", question},
      {"isspace", question},
      {"istitle", question},
      {"isupper", question},
      {"join", join_method},
      {"ljust", pad},
      {"lower", case_method},
      {"lstrip", strip_method},
      {"partition", partition},
      {"removeprefix", remove_affix},
      {"removesuffix", remove_affix},
      {"replace", replace_method},
      {"rfind", find},
      {"rindex", find},
      {"rjust", pad},
      {"rpartition", partition},
      {"rsplit", split},
      {"rstrip", strip_method},
      {"split", split},
      {"splitlines", split_lines_method},
      {"startswith", starts_or_ends},
      {"strip", strip_method},
      {"swapcase", case_method},
      {"title", case_method},
      {"upper", case_method},
      {"zfill", pad},
  };
  return table;
}

}  // namespace

bool has_text_method(std::string_view name) {
  return methods().count(name) != 0;
}

Value call_text_method(Runtime& runtime,
                       const Text& self,
                       std::string_view name,
                       const CallArguments& arguments) {
  runtime.read(self.size());
  return methods().at(name)(runtime, self, name, arguments);
}

}  // namespace hone::jinja
