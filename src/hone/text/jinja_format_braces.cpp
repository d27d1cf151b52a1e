// "{}".format(values).
#include <algorithm>
#include <optional>

#include <hone/base/error.h>
#include <hone/text/jinja_format.h>
#include <hone/text/jinja_operators.h>
#include <hone/text/jinja_unicode.h>

namespace hone::jinja {
namespace {

class BraceFormatter {
 public:
  BraceFormatter(Runtime& runtime, const CallArguments& arguments)
      : runtime_(runtime), arguments_(arguments) {}

  Text run(const Text& format, int depth) {
    if (depth > 2) fail("max string recursion exceeded");
    const std::string& bytes = format.bytes();
    Text out;
    for (std::size_t at = 0; at < bytes.size();) {
      const char c = bytes[at];
      if (c != '{' && c != '}') {
        const auto next = std::min(bytes.find_first_of("{}", at), bytes.size());
        out.append(format, at, next);
        at = next;
      } else if (at + 1 < bytes.size() && bytes[at + 1] == c) {
        out.append(format, at, at + 1);
        at += 2;
      } else if (c == '}') {
        fail("single '}' encountered in format string");
      } else {
        const std::size_t end = field_end(bytes, at + 1);
        out.append(field(format.slice(at + 1, end), depth));
        at = end + 1;
      }
    }
    runtime_.make(out.size());
    return out;
  }

 private:
  static std::size_t field_end(const std::string& bytes, std::size_t at) {
    int open = 1;
    for (; at < bytes.size(); ++at) {
      if (bytes[at] == '{') ++open;
      if (bytes[at] == '}' && --open == 0) return at;
    }
    fail("expected '}' before the end of a format string");
  }

  Text field(const Text& text, int depth) {
    const std::string& bytes = text.bytes();
    // "[...]" may hold any of the marks that end the name.
    std::size_t end = 0;
    for (bool bracket = false;
         end < bytes.size() && (bracket || (bytes[end] != ':' && bytes[end] != '!')); ++end) {
      bracket = bytes[end] == '[' || (bracket && bytes[end] != ']');
    }
    const Value value = look_up(bytes.substr(0, end));
    std::size_t at = end;
    char conversion = '\0';
    if (at < bytes.size() && bytes[at] == '!') {
      conversion = at + 1 < bytes.size() ? bytes[at + 1] : '\0';
      if (conversion != 's' && conversion != 'r')
        fail("unknown conversion specifier in a format string");
      at += 2;
      if (at < bytes.size() && bytes[at] != ':') fail("expected ':' after a conversion specifier");
    }
    const Text spec = at < bytes.size() ? run(text.slice(at + 1, bytes.size()), depth + 1) : Text();
    if (conversion == 's') return lay_out(Value::text(to_text(runtime_, value)), spec.bytes());
    if (conversion == 'r') return lay_out(Value::text(to_repr(runtime_, value)), spec.bytes());
    return lay_out(value, spec.bytes());
  }

  Value look_up(std::string_view name) {
    std::size_t at = std::min(name.find_first_of(".["), name.size());
    Value value = argument(name.substr(0, at));
    while (at < name.size()) {
      if (name[at] == '.') {
        const std::size_t end = std::min(name.find_first_of(".[", at + 1), name.size());
        if (end == at + 1) fail("empty attribute in format string");
        value = attribute_of(runtime_, value, name.substr(at + 1, end - at - 1));
        at = end;
      } else if (name[at] == '[') {
        const std::size_t end = name.find(']', at);
        if (end == std::string_view::npos || end == at + 1)
          fail("empty or open item in format string");
        value = item_of(runtime_, value, key(name.substr(at + 1, end - at - 1)));
        at = end + 1;
      } else {
        fail("only '.' or '[' may follow ']' in a format field");
      }
    }
    return value;
  }

  static Value key(std::string_view text) {
    std::size_t at = 0;
    const auto number = read_number(text, at);
    return number && at == text.size() ? Value::integer(*number) : Value::text(text);
  }

  Value argument(std::string_view name) {
    std::size_t at = 0;
    auto index = read_number(name, at);
    if (name.empty()) {
      if (manual_)
        fail("cannot switch from manual field specification to automatic field numbering");
      automatic_ = true;
      index = next_++;
    } else if (index && at == name.size()) {
      if (automatic_)
        fail("cannot switch from automatic field numbering to manual field specification");
      manual_ = true;
    } else {
      for (const auto& [keyword, value] : arguments_.keywords) {
        if (keyword == name) return value;
      }
      fail("the format names '", name, "', which is missing");
    }
    if (static_cast<std::size_t>(*index) >= arguments_.positional.size())
      fail("not enough arguments for format string");
    return arguments_.positional[static_cast<std::size_t>(*index)];
  }

  static FormatSpec parse_spec(std::string_view text) {
    static constexpr std::string_view kAligns = "<>=^";
    FormatSpec spec;
    std::size_t at = 0;
    if (!text.empty()) {
      std::size_t second = 0;
      next_code(text, second);
      if (second < text.size() && kAligns.find(text[second]) != std::string_view::npos) {
        spec.fill = text.substr(0, second);
        spec.align = text[second];
        at = second + 1;
      } else if (kAligns.find(text[0]) != std::string_view::npos) {
        spec.align = text[at++];
      }
    }
    const auto next_is = [&](std::string_view any) {
      return at < text.size() && any.find(text[at]) != std::string_view::npos;
    };
    if (next_is("+- ")) spec.sign = text[at++];
    if (next_is("#")) spec.alternate = text[at++] == '#';
    if (next_is("0")) {
      if (spec.align == '\0') {
        spec.fill.assign(1, '0');
        spec.align = '=';
      }
      ++at;
    }
    spec.width = read_number(text, at).value_or(0);
    if (next_is(",_")) spec.grouping = text[at++];
    if (next_is(".")) {
      const auto precision = read_number(text, ++at);
      if (!precision) fail("format specifier missing precision");
      spec.precision = *precision;
    }
    if (at < text.size()) spec.type = text[at++];
    if (at < text.size()) fail("invalid format specifier");
    return spec;
  }

  Text lay_out(const Value& value, const std::string& spec_text) {
    if (spec_text.empty()) return to_text(runtime_, value);
    FormatSpec spec = parse_spec(spec_text);
    if (value.is_text()) {
      const bool odd = spec.sign != '-' || spec.alternate || spec.grouping != '\0' ||
                       (spec.align == '=' && spec.fill != "0");
      if ((spec.type != '\0' && spec.type != 's') || odd)
        fail("invalid format specifier for a string");
      if (spec.align == '\0' || spec.align == '=') spec.align = '<';
      return pad_to(runtime_, cut(value.as_text(), spec.precision), spec, 0);
    }
    if (!value.is_number())
      fail("unsupported format string passed to ", value.type_name(), ".__format__");
    const std::string_view types = value.is_integral() ? "bcdeEfFgGnoxX%" : "eEfFgGn%";
    if (spec.type != '\0' && types.find(spec.type) == std::string_view::npos)
      fail("unknown format code '", spec.type, "'");
    if (spec.type == 'c' || spec.type == 'n')
      fail("format code '", spec.type, "' is not supported");
    const bool whole = value.is_integral() &&
                       std::string_view("\0bdoxX", 6).find(spec.type) != std::string_view::npos;
    if (whole && spec.precision >= 0) fail("precision not allowed in integer format specifier");
    if (spec.align == '\0') spec.align = '>';
    if (spec.grouping != '\0' && spec.align == '=' && spec.fill == "0")
      fail("zero padding with grouping is not supported");
    const std::string digits = format_number(value, spec);
    return pad_to(runtime_, Text(digits, value.tag()), spec, prefix_length(digits));
  }

  Runtime& runtime_;
  const CallArguments& arguments_;
  std::int64_t next_ = 0;
  bool automatic_ = false;
  bool manual_ = false;
};

}  // namespace

Text format_braces(Runtime& runtime, const Text& format, const CallArguments& arguments) {
  return BraceFormatter(runtime, arguments).run(format, 1);
}

}  // namespace hone::jinja
