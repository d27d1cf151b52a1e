#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdio>

#include <hone/base/error.h>
#include <hone/text/jinja_format.h>
#include <hone/text/jinja_operators.h>
#include <hone/text/jinja_unicode.h>

namespace hone::jinja {
namespace {

/// More digits than any number needs, and few enough for a buffer.
constexpr std::int64_t kMaxPrecision = 1000;

/// The widest padding that is made.
std::string integer_digits(std::int64_t value, const FormatSpec& spec) {
  std::uint64_t rest =
      value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
  const char type = static_cast<char>(spec.type | 0x20);
  const unsigned base = type == 'x' ? 16 : type == 'o' ? 8 : type == 'b' ? 2 : 10;
  const char* all = spec.type == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
  std::string digits;
  do {
    digits.insert(digits.begin(), all[rest % base]);
    rest /= base;
  } while (rest != 0);
  if (spec.precision > static_cast<std::int64_t>(digits.size())) {
    digits.insert(0, static_cast<std::size_t>(spec.precision) - digits.size(), '0');
  }
  return digits;
}

/// A float's digits without sign.
std::string float_digits(double value, const FormatSpec& spec) {
  const bool upper = spec.type == 'E' || spec.type == 'F' || spec.type == 'G';
  if (std::isnan(value)) return upper ? "NAN" : "nan";
  if (std::isinf(value)) return upper ? "INF" : "inf";
  if (spec.type == '\0' && spec.precision < 0) return format_float(std::fabs(value));
  const char type = spec.type == '\0' ? 'g' : spec.type == '%' ? 'f' : spec.type;
  std::int64_t precision = spec.precision < 0 ? 6 : spec.precision;
  if ((type | 0x20) == 'g' && precision == 0) precision = 1;
  const char format[] = {'%',
                         spec.alternate ? '#' : '.',
                         spec.alternate ? '.' : '*',
                         spec.alternate ? '*' : type,
                         spec.alternate ? type : '\0',
                         '\0'};
  char buffer[kMaxPrecision + 400];
  std::snprintf(buffer, sizeof buffer, format, static_cast<int>(precision),
                std::fabs(value) * (spec.type == '%' ? 100 : 1));
  std::string digits = buffer;
  if (spec.type == '%') digits += '%';
  if (spec.type == '\0' && digits.find_first_of(".e") == std::string::npos) digits += ".0";
  return digits;
}

std::string grouped(std::string digits, char separator, std::size_t size) {
  const auto end = digits.find_first_not_of("0123456789abcdefABCDEF");
  for (std::size_t at = end == std::string::npos ? digits.size() : end; at > size; at -= size) {
    digits.insert(at - size, 1, separator);
  }
  return digits;
}

}  // namespace

std::string format_number(const Value& value, const FormatSpec& spec) {
  if (spec.precision > kMaxPrecision)
    fail("a precision above ", kMaxPrecision, " is not supported");
  const bool as_integer =
      value.is_integral() && std::string_view("\0dnxXob", 7).find(spec.type) != std::string::npos;
  const bool negative = value.is_integral() ? value.as_int() < 0 : std::signbit(value.as_double());
  std::string digits =
      as_integer ? integer_digits(value.as_int(), spec) : float_digits(value.as_double(), spec);
  if (spec.grouping != '\0') {
    const bool decimal = !as_integer ||
                         std::string_view("xXob").find(spec.type) == std::string::npos ||
                         spec.type == '\0';
    digits = grouped(std::move(digits), spec.grouping, decimal ? 3 : 4);
  }
  if (as_integer && spec.alternate &&
      std::string_view("xXob").find(spec.type) != std::string::npos) {
    digits = std::string("0") + spec.type + digits;
  }
  if (negative) return "-" + digits;
  return spec.sign == '-' ? digits : spec.sign + digits;
}

Text pad_to(Runtime& runtime, const Text& text, const FormatSpec& spec, std::size_t prefix) {
  const auto size = static_cast<std::int64_t>(count_codes(text.bytes()));
  if (spec.width <= size) return text;
  const Text fill(spec.fill);
  const std::int64_t missing = spec.width - size;
  const bool inside = spec.align == '=';
  const std::int64_t left = spec.align == '<' ? 0 : spec.align == '^' ? missing / 2 : missing;
  Text result = text.slice(0, inside ? prefix : 0);
  result.append(repeat(runtime, fill, left));
  result.append(text, inside ? prefix : 0, text.size());
  result.append(repeat(runtime, fill, missing - left));
  return result;
}

std::optional<std::int64_t> read_number(std::string_view text, std::size_t& at) {
  std::int64_t number = 0;
  const auto result = std::from_chars(text.data() + at, text.data() + text.size(), number);
  if (at < text.size() && text[at] == '-') return std::nullopt;
  if (result.ptr == text.data() + at) return std::nullopt;
  if (result.ec != std::errc() || number > kMaxFormatWidth)
    fail("a width or position in a format is too large");
  at = static_cast<std::size_t>(result.ptr - text.data());
  return number;
}

std::size_t prefix_length(std::string_view digits) {
  std::size_t length =
      !digits.empty() && (digits[0] == '-' || digits[0] == '+' || digits[0] == ' ') ? 1 : 0;
  if (digits.size() > length + 1 && digits[length] == '0' &&
      std::isalpha(static_cast<unsigned char>(digits[length + 1]))) {
    length += 2;
  }
  return length;
}

Text cut(const Text& text, std::int64_t codes) {
  if (codes < 0) return text;
  return text.slice(0, offset_of(text.bytes(), static_cast<std::size_t>(codes)));
}

}  // namespace hone::jinja
