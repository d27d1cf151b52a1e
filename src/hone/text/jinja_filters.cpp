#include <algorithm>
#include <map>

#include <hone/base/error.h>
#include <hone/text/jinja_filters.h>
#include <hone/text/jinja_format.h>
#include <hone/text/jinja_json.h>
#include <hone/text/jinja_operators.h>
#include <hone/text/jinja_task.h>
#include <hone/text/jinja_unicode.h>

namespace hone::jinja {
namespace {

template <const char* name>
Value case_filter(Runtime& runtime, const Value& value, const CallArguments& arguments) {
  const Bound bound(name, arguments, {});
  return Value::text(change_case(runtime, to_text(runtime, value), name));
}

constexpr char kUpper[] = "upper";
constexpr char kLower[] = "lower";
constexpr char kCapitalize[] = "capitalize";

/// Upper case behind spaces, "-", "(", "{", "[" and "<", lower case elsewhere.
Value title(Runtime& runtime, const Value& value, const CallArguments& arguments) {
  const Bound bound("title", arguments, {});
  const Text text = to_text(runtime, value);
  const std::string& bytes = text.bytes();
  Text result;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t begin = at;
    const auto splits = [&](std::size_t position) {
      const char32_t code = next_code(bytes, position);
      return is_space(code) || code == '-' || code == '(' || code == '{' || code == '[' ||
             code == '<';
    };
    next_code(bytes, at);
    if (splits(begin)) {
      result.append(text, begin, at);
      continue;
    }
    const std::size_t first_end = at;
    while (at < bytes.size() && !splits(at)) next_code(bytes, at);
    result.append(change_case(runtime, text.slice(begin, first_end), "upper"));
    result.append(change_case(runtime, text.slice(first_end, at), "lower"));
  }
  return Value::text(std::move(result));
}

Value trim(Runtime& runtime, const Value& value, const CallArguments& arguments) {
  const Bound bound("trim", arguments, {"chars"});
  const bool given = bound.has(0) && !bound[0].is(Kind::kNone);
  const Text* chars = given ? &text_argument(bound[0], "chars") : nullptr;
  runtime.make(value.is_text() ? value.bytes().size() : 0);
  return Value::text(strip(to_text(runtime, value), chars, true, true));
}

Value replace_filter(Runtime& runtime, const Value& value, const CallArguments& arguments) {
  const Bound bound("replace", arguments, {"old", "new", "count"}, 2);
  const bool counted = bound.has(2) && !bound[2].is(Kind::kNone);
  Text text = to_text(runtime, value);
  text.markup = false;
  return Value::text(replace(runtime, text, to_text(runtime, bound[0]), to_text(runtime, bound[1]),
                             counted ? integer_argument(bound[2], "count") : -1));
}

Value center(Runtime& runtime, const Value& value, const CallArguments& arguments) {
  const Bound bound("center", arguments, {"width"});
  return call_text_method(runtime, to_text(runtime, value), "center",
                          {{bound.get(0, Value::integer(80))}, {}});
}

Value indent(Runtime& runtime, const Value& value, const CallArguments& arguments) {
  const Bound bound("indent", arguments, {"width", "first", "blank"});
  const Value width = bound.get(0, Value::integer(4));
  const Text indention = width.is_text()
                             ? width.as_text()
                             : repeat(runtime, Text(" "), integer_argument(width, "width"));
  Text text = text_argument(value, "what indent is applied to");
  text.append("\n", kTemplateTag);
  Text result;
  if (bound.flag(1, false)) result.append(indention);
  bool first = true;
  for (const Value& line : split_lines(runtime, text, false)) {
    if (!first) {
      result.append("\n", kTemplateTag);
      if (!line.bytes().empty() || bound.flag(2, false)) result.append(indention);
      runtime.make(indention.size() + 1);
    }
    first = false;
    result.append(line.as_text());
  }
  result.markup = text.markup;
  return Value::text(std::move(result));
}

Value truncate(Runtime& runtime, const Value& value, const CallArguments& arguments) {
  const Bound bound("truncate", arguments, {"length", "killwords", "end", "leeway"});
  const std::int64_t length = integer_argument(bound.get(0, Value::integer(255)), "length");
  const Value ending = bound.get(2, Value::text("..."));
  const Text& end = text_argument(ending, "end");
  const bool has_leeway = bound.has(3) && !bound[3].is(Kind::kNone);
  const std::int64_t leeway = has_leeway ? integer_argument(bound[3], "leeway") : 5;
  const std::int64_t kept = length - length_of(ending);
  if (kept < 0)
    fail("truncate: expected a length of at least ", length_of(ending), ", got ", length);
  if (leeway < 0) fail("truncate: expected a leeway of at least 0");
  if (length_of(value) < 0) fail("object of type '", value.type_name(), "' has no length");
  if (length_of(value) <= static_cast<__int128>(length) + leeway) return value;
  const Text& text = text_argument(value, "what truncate is applied to");
  Text result = text.slice(0, offset_of(text.bytes(), static_cast<std::size_t>(kept)));
  if (!bound.flag(1, false)) {
    const auto space = result.bytes().rfind(' ');
    if (space != std::string::npos) result = result.slice(0, space);
  }
  return Value::text(join(runtime, result, end));
}

Value format(Runtime& runtime, const Value& value, const CallArguments& arguments) {
  if (!arguments.positional.empty() && !arguments.keywords.empty()) {
    fail("format: positional and keyword arguments cannot be mixed");
  }
  const Text text = to_text(runtime, value);
  if (arguments.keywords.empty())
    return Value::text(format_percent(runtime, text, Value::tuple(arguments.positional)));
  std::vector<std::pair<Value, Value>> named;
  for (const auto& [name, argument] : arguments.keywords)
    named.emplace_back(Value::text(name), argument);
  return Value::text(format_percent(runtime, text, Value::dict(std::move(named))));
}

Value word_count(Runtime& runtime, const Value& value, const CallArguments& arguments) {
  const Bound bound("wordcount", arguments, {});
  const Text text = to_text(runtime, value);
  runtime.read(text.size());
  std::int64_t words = 0;
  bool inside = false;
  for (std::size_t at = 0; at < text.size();) {
    const bool word = is_word(next_code(text.bytes(), at));
    if (word && !inside) ++words;
    inside = word;
  }
  return Value::integer(words);
}

Value string(Runtime& runtime, const Value& value, const CallArguments& arguments) {
  const Bound bound("string", arguments, {});
  return Value::text(to_text(runtime, value));
}

Value safe(Runtime& runtime, const Value& value, const CallArguments& arguments) {
  const Bound bound("safe", arguments, {});
  Text text = to_text(runtime, value);
  text.markup = true;
  return Value::text(std::move(text));
}

Value escape(Runtime& runtime, const Value& value, const CallArguments& arguments) {
  const Bound bound("escape", arguments, {});
  if (value.is_text() && value.as_text().markup) return value;
  return Value::text(escape_html(runtime, to_text(runtime, value)));
}

Value force_escape(Runtime& runtime, const Value& value, const CallArguments& arguments) {
  const Bound bound("forceescape", arguments, {});
  return Value::text(escape_html(runtime, to_text(runtime, value)));
}

Value tojson(Runtime& runtime, const Value& value, const CallArguments& arguments) {
  return Value::text(to_json(runtime, value, arguments));
}

Value default_value(Runtime&, const Value& value, const CallArguments& arguments) {
  const Bound bound("default", arguments, {"default_value", "boolean"});
  const bool absent = value.is_undefined() || (bound.flag(1, false) && !truth(value));
  return absent ? bound.get(0, Value::text("")) : value;
}

}  // namespace

Filter text_filter(std::string_view name) {
  static const std::map<std::string_view, Filter> table = {
      {"capitalize", case_filter<kCapitalize>},
      {"center", center},
      {"d", default_value},
      {"default", default_value},
      {"e", escape},
      {"escape", escape},
      {"forceescape", force_escape},
      {"format", format},
      {"indent", indent},
      {"lower", case_filter<kLower>},
      {"replace", replace_filter},
      {"safe", safe},
      {"string", string},
      {"title", title},
      {"tojson", tojson},
      {"trim", trim},
      {"truncate", truncate},
      {"upper", case_filter<kUpper>},
      {"wordcount", word_count},
  };
  const auto found = table.find(name);
  return found == table.end() ? nullptr : found->second;
}

bool has_filter(std::string_view name, Environment environment) {
  return text_filter(name) != nullptr || number_filter(name) != nullptr ||
         sequence_filter(name) != nullptr ||
         (environment == Environment::kTask && task_filter(name) != nullptr);
}

Value apply_filter(Runtime& runtime,
                   std::string_view name,
                   const Value& value,
                   const CallArguments& arguments) {
  runtime.step();
  if (value.is_text()) runtime.read(value.bytes().size());
  if (const Filter filter = text_filter(name)) return filter(runtime, value, arguments);
  if (const Filter filter = number_filter(name)) return filter(runtime, value, arguments);
  if (const Filter filter = sequence_filter(name)) return filter(runtime, value, arguments);
  if (runtime.environment() == Environment::kTask) {
    if (const Filter filter = task_filter(name)) return filter(runtime, value, arguments);
  }
  fail("no filter named '", name, "' is supported");
}

}  // namespace hone::jinja
