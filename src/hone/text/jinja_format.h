// Python's two ways of formatting: "%s" % value and "{}".format(value).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <hone/text/jinja_methods.h>
#include <hone/text/jinja_runtime.h>
#include <hone/text/jinja_value.h>

namespace hone::jinja {

/// format % values, with %s %r %d %i %u %x %o %c %e %f %g, flags, width, precision and %(name). The
/// pieces keep their origin. Throws `Error` where Python raises.
Text format_percent(Runtime& runtime, const Text& format, const Value& values);

/// format.format(arguments), with positions, names, attributes, items, !s and !r, and the format
/// specifications of texts and numbers.
Text format_braces(Runtime& runtime, const Text& format, const CallArguments& arguments);

/// Widest field in characters: what a template may ask for is bounded.
inline constexpr std::int64_t kMaxFormatWidth = 1 << 26;

/// How a number or text is laid out: [[fill]align][sign][#][0][width][,][.precision][type].
struct FormatSpec {
  std::string fill = " ";
  char align = '\0';  // < > ^ or = (fill behind the sign)
  char sign = '-';
  bool alternate = false;
  char grouping = '\0';  // , or _
  std::int64_t width = 0;
  std::int64_t precision = -1;
  char type = '\0';
};

/// The digits of a number by `spec`, with sign and prefix, without padding.
std::string format_number(const Value& value, const FormatSpec& spec);

/// `text` padded to the width of `spec`; `prefix` bytes at its start (sign, 0x) stay in front of
/// '=' padding.
Text pad_to(Runtime& runtime, const Text& text, const FormatSpec& spec, std::size_t prefix);

/// The number written at `at`, which moves behind it; nothing where there is none. Throws `Error`
/// where it is too large for a width.
std::optional<std::int64_t> read_number(std::string_view text, std::size_t& at);

/// The length of the sign and of 0x, 0o, 0b in front of a number's digits.
std::size_t prefix_length(std::string_view digits);

/// `text` cut to the first `codes` characters where that is not negative.
Text cut(const Text& text, std::int64_t codes);

}  // namespace hone::jinja
