// "%s" % values.
#include <algorithm>
#include <cmath>

#include <hone/base/error.h>
#include <hone/text/jinja_format.h>
#include <hone/text/jinja_operators.h>
#include <hone/text/jinja_unicode.h>

namespace hone::jinja {
namespace {

/// The widest padding that is made.
class PercentFormatter {
 public:
  PercentFormatter(Runtime& runtime, const Text& format, const Value& values)
      : runtime_(runtime), format_(format), bytes_(format.bytes()), values_(values) {
    is_tuple_ = values.is(Kind::kTuple);
  }

  Text run() {
    while (at_ < bytes_.size()) {
      const auto percent = std::min(bytes_.find('%', at_), bytes_.size());
      out_.append(format_, at_, percent);
      at_ = percent + 1;
      if (percent < bytes_.size()) conversion(percent);
    }
    // Whatever Python can index by a key may be left unused.
    const bool mapping = values_.is(Kind::kDict) || values_.is(Kind::kList) ||
                         values_.is(Kind::kRange) || values_.is_undefined();
    const std::size_t given = is_tuple_ ? values_.items().size() : 1;
    if (!mapping && used_ < given) fail("not all arguments converted during string formatting");
    runtime_.make(out_.size());
    return std::move(out_);
  }

 private:
  const Value& next() {
    if (!is_tuple_ && used_ == 0) {
      ++used_;
      return values_;
    }
    if (!is_tuple_ || used_ >= values_.items().size())
      fail("not enough arguments for format string");
    return values_.items()[used_++];
  }

  char peek() const { return at_ < bytes_.size() ? bytes_[at_] : '\0'; }

  std::int64_t width_or_star() {
    if (peek() != '*') return read_number(bytes_, at_).value_or(0);
    ++at_;
    return std::clamp<std::int64_t>(integer_argument(next(), "*"), -kMaxFormatWidth,
                                    kMaxFormatWidth);
  }

  const Value* keyed() {
    if (peek() != '(') return nullptr;
    if (!values_.is(Kind::kDict)) fail("format requires a mapping");
    const auto close = bytes_.find(')', at_);
    if (close == std::string::npos) fail("incomplete format key");
    const std::string name = bytes_.substr(at_ + 1, close - at_ - 1);
    at_ = close + 1;
    const Value* value = values_.as_dict().find(name);
    if (value == nullptr) fail("the format names '", name, "', which is missing");
    used_ = 1;
    return value;
  }

  void conversion(std::size_t percent) {
    const Value* value = keyed();
    FormatSpec spec;
    bool zero = false;
    for (; std::string_view("-+ #0").find(peek()) != std::string_view::npos && peek() != '\0';
         ++at_) {
      if (peek() == '-') spec.align = '<';
      if (peek() == '+') spec.sign = '+';
      if (peek() == ' ' && spec.sign != '+') spec.sign = ' ';
      if (peek() == '#') spec.alternate = true;
      if (peek() == '0') zero = true;
    }
    spec.width = width_or_star();
    if (spec.width < 0) {
      spec.align = '<';
      spec.width = -spec.width;
    }
    if (peek() == '.') {
      ++at_;
      spec.precision = std::max<std::int64_t>(width_or_star(), 0);
    }
    while (peek() == 'l' || peek() == 'h' || peek() == 'L') ++at_;
    spec.type = peek();
    if (at_++ >= bytes_.size()) fail("incomplete format");
    if (spec.type == '%') return out_.append("%", format_.tag_at(percent));
    convert(value != nullptr ? *value : next(), spec, zero);
  }

  void convert(const Value& value, FormatSpec spec, bool zero) {
    if (spec.type == 's' || spec.type == 'r' || spec.type == 'c') {
      const Text text = spec.type == 's'   ? to_text(runtime_, value)
                        : spec.type == 'r' ? to_repr(runtime_, value)
                                           : character(value);
      if (spec.type == 'c') spec.precision = -1;
      return put(cut(text, spec.precision), spec, 0);
    }
    if (std::string_view("diuxXoeEfFgG").find(spec.type) == std::string_view::npos) {
      fail("unsupported format character '", spec.type, "'");
    }
    if (value.is_undefined()) fail(value.undefined_message());
    if (!value.is_number())
      fail("%", spec.type, " format: a number is required, not '", value.type_name(), "'");
    const Value number = as_required(value, spec.type);
    if (spec.type == 'i' || spec.type == 'u') spec.type = 'd';
    if (zero && spec.align == '\0') {
      spec.fill.assign(1, '0');
      spec.align = '=';
    }
    const std::string digits = format_number(number, spec);
    put(Text(digits, value.tag()), spec, prefix_length(digits));
  }

  /// %d takes a float's whole part; %f and the like make a float of an int.
  static Value as_required(const Value& value, char type) {
    const bool integral = std::string_view("diuxXo").find(type) != std::string_view::npos;
    if (!integral) return Value::real(value.as_double());
    if (value.is_integral()) return Value::integer(value.as_int());
    if (type == 'x' || type == 'X' || type == 'o')
      fail("%", type, " format: an integer is required, not 'float'");
    if (!(std::fabs(value.as_double()) < 9.2e18))
      fail("cannot convert a float of this size to an integer");
    return Value::integer(static_cast<std::int64_t>(value.as_double()));
  }

  static Text character(const Value& value) {
    if (value.is_text() && count_codes(value.bytes()) == 1) return value.as_text();
    if (!value.is_integral() || value.as_int() < 0 || value.as_int() > 0x10FFFF ||
        (value.as_int() >= 0xD800 && value.as_int() < 0xE000)) {
      fail("%c requires an int in the range of characters or one character");
    }
    std::string bytes;
    append_utf8(bytes, static_cast<char32_t>(value.as_int()));
    return Text(bytes, value.tag());
  }

  void put(const Text& text, FormatSpec& spec, std::size_t prefix) {
    if (spec.align == '\0') spec.align = '>';
    out_.append(pad_to(runtime_, text, spec, prefix));
    runtime_.make(text.size());
  }

  Runtime& runtime_;
  const Text& format_;
  const std::string& bytes_;
  const Value& values_;
  bool is_tuple_ = false;
  std::size_t used_ = 0;
  std::size_t at_ = 0;
  Text out_;
};

}  // namespace

Text format_percent(Runtime& runtime, const Text& format, const Value& values) {
  return PercentFormatter(runtime, format, values).run();
}

}  // namespace hone::jinja
