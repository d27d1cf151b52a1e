#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <map>
#include <optional>

#include <hone/base/error.h>
#include <hone/text/jinja_filters.h>
#include <hone/text/jinja_format.h>
#include <hone/text/jinja_json.h>
#include <hone/text/jinja_operators.h>
#include <hone/text/jinja_unicode.h>

namespace hone::jinja {
namespace {

using Arguments = CallArguments;

template <const char* name>
Value case_filter(Runtime& runtime, const Value& value, const Arguments& arguments) {
  const Bound bound(name, arguments, {});
  return Value::text(change_case(runtime, to_text(runtime, value), name));
}

constexpr char kUpper[] = "upper";
constexpr char kLower[] = "lower";
constexpr char kCapitalize[] = "capitalize";

/// Upper case behind spaces, "-", "(", "{", "[" and "<", lower case elsewhere.
Value title(Runtime& runtime, const Value& value, const Arguments& arguments) {
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

Value trim(Runtime& runtime, const Value& value, const Arguments& arguments) {
  const Bound bound("trim", arguments, {"chars"});
  const bool given = bound.has(0) && !bound[0].is(Kind::kNone);
  const Text* chars = given ? &text_argument(bound[0], "chars") : nullptr;
  runtime.make(value.is_text() ? value.bytes().size() : 0);
  return Value::text(strip(to_text(runtime, value), chars, true, true));
}

Value replace_filter(Runtime& runtime, const Value& value, const Arguments& arguments) {
  const Bound bound("replace", arguments, {"old", "new", "count"}, 2);
  const bool counted = bound.has(2) && !bound[2].is(Kind::kNone);
  Text text = to_text(runtime, value);
  text.markup = false;
  return Value::text(replace(runtime, text, to_text(runtime, bound[0]), to_text(runtime, bound[1]),
                             counted ? integer_argument(bound[2], "count") : -1));
}

Value center(Runtime& runtime, const Value& value, const Arguments& arguments) {
  const Bound bound("center", arguments, {"width"});
  return call_text_method(runtime, to_text(runtime, value), "center",
                          {{bound.get(0, Value::integer(80))}, {}});
}

Value indent(Runtime& runtime, const Value& value, const Arguments& arguments) {
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

Value truncate(Runtime& runtime, const Value& value, const Arguments& arguments) {
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

Value format(Runtime& runtime, const Value& value, const Arguments& arguments) {
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

Value word_count(Runtime& runtime, const Value& value, const Arguments& arguments) {
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

Value string(Runtime& runtime, const Value& value, const Arguments& arguments) {
  const Bound bound("string", arguments, {});
  return Value::text(to_text(runtime, value));
}

Value safe(Runtime& runtime, const Value& value, const Arguments& arguments) {
  const Bound bound("safe", arguments, {});
  Text text = to_text(runtime, value);
  text.markup = true;
  return Value::text(std::move(text));
}

Value escape(Runtime& runtime, const Value& value, const Arguments& arguments) {
  const Bound bound("escape", arguments, {});
  if (value.is_text() && value.as_text().markup) return value;
  return Value::text(escape_html(runtime, to_text(runtime, value)));
}

Value force_escape(Runtime& runtime, const Value& value, const Arguments& arguments) {
  const Bound bound("forceescape", arguments, {});
  return Value::text(escape_html(runtime, to_text(runtime, value)));
}

Value tojson(Runtime& runtime, const Value& value, const Arguments& arguments) {
  return Value::text(to_json(runtime, value, arguments));
}

/// The digits of a number as Python's int and float accept them: outer spaces and single
/// underscores dropped.
std::optional<std::string> plain_number(const std::string& bytes) {
  std::string text = strip(Text(bytes), nullptr, true, true).bytes();
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') continue;
    const bool inside = i > 0 && i + 1 < text.size() &&
                        std::isalnum(static_cast<unsigned char>(text[i - 1])) &&
                        std::isalnum(static_cast<unsigned char>(text[i + 1]));
    if (!inside) return std::nullopt;
  }
  std::erase(text, '_');
  return text;
}

std::optional<double> parse_float(const std::string& bytes) {
  const auto text = plain_number(bytes);
  if (!text || text->empty()) return std::nullopt;
  std::string lower = *text;
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  });
  const std::size_t sign = lower[0] == '-' || lower[0] == '+' ? 1 : 0;
  const std::string rest = lower.substr(sign);
  const bool word = rest == "inf" || rest == "infinity" || rest == "nan";
  if (!word && rest.find_first_not_of("0123456789.e+-") != std::string::npos) return std::nullopt;
  char* end = nullptr;
  const double value = std::strtod(lower.c_str(), &end);
  if (end != lower.c_str() + lower.size()) return std::nullopt;
  return value;
}

std::optional<std::int64_t> parse_int(const std::string& bytes, std::int64_t base) {
  auto text = plain_number(bytes);
  if (!text || text->empty()) return std::nullopt;
  const bool is_negative = text->front() == '-';
  std::string digits = text->substr(is_negative || text->front() == '+' ? 1 : 0);
  const char prefix =
      digits.size() > 2 && digits[0] == '0' ? static_cast<char>(digits[1] | 0x20) : '\0';
  const int by_prefix = prefix == 'x' ? 16 : prefix == 'o' ? 8 : prefix == 'b' ? 2 : 0;
  if (by_prefix != 0 && (base == by_prefix || base == 0)) {
    digits.erase(0, 2);
    base = by_prefix;
  }
  if (base == 0) base = 10;
  if (base < 2 || base > 36 || digits.empty() || digits[0] == '-') return std::nullopt;
  if (is_negative) digits.insert(digits.begin(), '-');
  std::int64_t value = 0;
  const auto result =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, static_cast<int>(base));
  if (result.ec == std::errc::result_out_of_range) fail("a number needs more than 64 bits");
  if (result.ec != std::errc() || result.ptr != digits.data() + digits.size()) return std::nullopt;
  return value;
}

std::int64_t whole(double value) {
  if (!(std::fabs(value) < 9.2e18)) fail("cannot convert a float of this size to an integer");
  return static_cast<std::int64_t>(value);
}

Value to_int(Runtime&, const Value& value, const Arguments& arguments) {
  const Bound bound("int", arguments, {"default", "base"});
  if (value.is_undefined()) fail(value.undefined_message());
  if (value.is_integral()) return Value::integer(value.as_int(), value.tag());
  if (value.is(Kind::kFloat)) {
    if (std::isnan(value.as_double())) return bound.get(0, Value::integer(0));
    return Value::integer(whole(value.as_double()), value.tag());
  }
  if (value.is_text()) {
    const Tag tag = value.as_text().tag_at(0);
    const std::int64_t base = integer_argument(bound.get(1, Value::integer(10)), "base");
    if (const auto number = parse_int(value.bytes(), base)) return Value::integer(*number, tag);
    const auto number = parse_float(value.bytes());
    if (number && std::isfinite(*number)) return Value::integer(whole(*number), tag);
  }
  return bound.get(0, Value::integer(0));
}

Value to_float(Runtime&, const Value& value, const Arguments& arguments) {
  const Bound bound("float", arguments, {"default"});
  if (value.is_undefined()) fail(value.undefined_message());
  if (value.is_number()) return Value::real(value.as_double(), value.tag());
  if (value.is_text()) {
    if (const auto number = parse_float(value.bytes()))
      return Value::real(*number, value.as_text().tag_at(0));
  }
  return bound.get(0, Value::real(0));
}

Value absolute(Runtime&, const Value& value, const Arguments& arguments) {
  const Bound bound("abs", arguments, {});
  if (value.is(Kind::kFloat)) return Value::real(std::fabs(value.as_double()));
  if (value.is_undefined()) fail(value.undefined_message());
  if (!value.is_integral()) fail("bad operand type for abs(): '", value.type_name(), "'");
  return value.as_int() < 0 ? negative(value) : Value::integer(value.as_int());
}

/// Half to even at a digit in front of the point.
std::int64_t round_tens(std::int64_t value, std::int64_t digits) {
  if (digits > 18) return 0;
  std::int64_t unit = 1;
  for (std::int64_t i = 0; i < digits; ++i) unit *= 10;
  std::int64_t rest = value % unit;
  if (rest < 0) rest += unit;
  std::int64_t down = 0;
  if (__builtin_sub_overflow(value, rest, &down)) fail("a number needs more than 64 bits");
  const bool up = rest > unit - rest || (rest == unit - rest && (down / unit) % 2 != 0);
  if (up && __builtin_add_overflow(down, unit, &down)) fail("a number needs more than 64 bits");
  return down;
}

double round_float(double value, std::int64_t digits) {
  if (!std::isfinite(value) || digits > 300) return value;
  if (digits < -308) return std::copysign(0.0, value);
  if (digits >= 0) {
    char buffer[700];
    std::snprintf(buffer, sizeof buffer, "%.*f", static_cast<int>(digits), value);
    return std::strtod(buffer, nullptr);
  }
  const double unit = std::pow(10.0, static_cast<double>(-digits));
  return std::nearbyint(value / unit) * unit;
}

Value round(Runtime&, const Value& value, const Arguments& arguments) {
  const Bound bound("round", arguments, {"precision", "method"});
  const Value how = bound.get(1, Value::text("common"));
  const std::string method = how.is_text() ? how.bytes() : "";
  if (method != "common" && method != "ceil" && method != "floor")
    fail("round: method must be common, ceil or floor");
  if (value.is_undefined()) fail(value.undefined_message());
  if (!value.is_number()) fail("a ", value.type_name(), " cannot be rounded");
  const std::int64_t digits = integer_argument(bound.get(0, Value::integer(0)), "precision");
  if (method == "common") {
    if (value.is(Kind::kFloat)) return Value::real(round_float(value.as_double(), digits));
    return Value::integer(digits >= 0 ? value.as_int() : round_tens(value.as_int(), -digits));
  }
  const double unit = std::pow(10.0, static_cast<double>(digits));
  const double scaled = value.as_double() * unit;
  return Value::real(
      static_cast<double>(whole(method == "ceil" ? std::ceil(scaled) : std::floor(scaled))) / unit);
}

Value default_value(Runtime&, const Value& value, const Arguments& arguments) {
  const Bound bound("default", arguments, {"default_value", "boolean"});
  const bool absent = value.is_undefined() || (bound.flag(1, false) && !truth(value));
  return absent ? bound.get(0, Value::text("")) : value;
}

}  // namespace

Filter text_filter(std::string_view name) {
  static const std::map<std::string_view, Filter> table = {
      {"abs", absolute},
      {"capitalize", case_filter<kCapitalize>},
      {"center", center},
      {"d", default_value},
      {"default", default_value},
      {"e", escape},
      {"escape", escape},
      {"float", to_float},
      {"forceescape", force_escape},
      {"format", format},
      {"indent", indent},
      {"int", to_int},
      {"lower", case_filter<kLower>},
      {"replace", replace_filter},
      {"round", round},
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

bool has_filter(std::string_view name) {
  return text_filter(name) != nullptr || sequence_filter(name) != nullptr;
}

Value apply_filter(Runtime& runtime,
                   std::string_view name,
                   const Value& value,
                   const CallArguments& arguments) {
  runtime.step();
  if (value.is_text()) runtime.read(value.bytes().size());
  if (const Filter filter = text_filter(name)) return filter(runtime, value, arguments);
  if (const Filter filter = sequence_filter(name)) return filter(runtime, value, arguments);
  fail("no filter named '", name, "' is supported");
}

}  // namespace hone::jinja
