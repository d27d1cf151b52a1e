// The filters that give numbers: int, float, abs, round.
#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <optional>

#include <hone/base/error.h>
#include <hone/text/jinja_filters.h>
#include <hone/text/jinja_operators.h>

namespace hone::jinja {
namespace {

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

Value to_int(Runtime&, const Value& value, const CallArguments& arguments) {
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

Value to_float(Runtime&, const Value& value, const CallArguments& arguments) {
  const Bound bound("float", arguments, {"default"});
  if (value.is_undefined()) fail(value.undefined_message());
  if (value.is_number()) return Value::real(value.as_double(), value.tag());
  if (value.is_text()) {
    if (const auto number = parse_float(value.bytes()))
      return Value::real(*number, value.as_text().tag_at(0));
  }
  return bound.get(0, Value::real(0));
}

Value absolute(Runtime&, const Value& value, const CallArguments& arguments) {
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

Value round(Runtime&, const Value& value, const CallArguments& arguments) {
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

}  // namespace

Filter number_filter(std::string_view name) {
  static const std::map<std::string_view, Filter> table = {
      {"abs", absolute}, {"float", to_float}, {"int", to_int}, {"round", round}};
  const auto found = table.find(name);
  return found == table.end() ? nullptr : found->second;
}

}  // namespace hone::jinja
