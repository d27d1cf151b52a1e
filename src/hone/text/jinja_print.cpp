// Values as Python's str() and repr() write them.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

#include <hone/base/error.h>
#include <hone/text/jinja_loop.h>
#include <hone/text/jinja_operators.h>
#include <hone/text/jinja_unicode.h>

namespace hone::jinja {
namespace {

/// A number without its tag, "1e+16" or "-0.5" as Python's repr.
std::string shortest(double value) {
  char digits[64];
  const auto written =
      std::to_chars(digits, digits + sizeof digits, value, std::chars_format::scientific);
  const std::string_view text(digits, static_cast<std::size_t>(written.ptr - digits));
  const auto mark = text.find('e');
  const int exponent = std::atoi(std::string(text.substr(mark + 1)).c_str());
  if (exponent < -4 || exponent >= 16) {
    char tail[16];
    std::snprintf(tail, sizeof tail, "e%c%02d", exponent < 0 ? '-' : '+', std::abs(exponent));
    return std::string(text.substr(0, mark)) + tail;
  }
  const auto fixed = std::to_chars(digits, digits + sizeof digits, value, std::chars_format::fixed);
  std::string result(digits, fixed.ptr);
  if (result.find('.') == std::string::npos) result += ".0";
  return result;
}

class Printer {
 public:
  explicit Printer(Runtime& runtime) : runtime_(runtime) {}

  Text take() { return std::move(out_); }

  void repr(const Value& value) {
    if (++depth_ > 2 * kMaxValueDepth) fail("a value that contains itself cannot be printed");
    runtime_.step();
    switch (value.kind()) {
      case Kind::kUndefined:
        put("Undefined");
        break;
      case Kind::kText:
        if (value.as_text().markup) put("Markup(");
        quoted(value.as_text());
        if (value.as_text().markup) put(")");
        break;
      case Kind::kList:
        sequence("[", value, "]");
        break;
      case Kind::kTuple:
        sequence("(", value, value.items().size() == 1 ? ",)" : ")");
        break;
      case Kind::kDict:
        dict(value);
        break;
      case Kind::kView:
        view(value);
        break;
      case Kind::kRange:
        range(value.as_range());
        break;
      case Kind::kNamespace:
        put("<Namespace ");
        name_space(value.as_namespace());
        put(">");
        break;
      case Kind::kLoop:
        put(concat("<LoopContext ", value.as_loop().index0 + 1, "/", value.as_loop().length(),
                   ">"));
        break;
      case Kind::kIterator:
      case Kind::kMacro:
      case Kind::kFunction:
      case Kind::kMethod:
        fail("a ", value.type_name(), " cannot be printed");
      default:
        scalar(value);
    }
    --depth_;
  }

  void scalar(const Value& value) {
    if (value.is(Kind::kNone)) return put("None", value.tag());
    if (value.is(Kind::kBool)) return put(value.as_bool() ? "True" : "False", value.tag());
    if (value.is(Kind::kInt)) return put(std::to_string(value.as_int()), value.tag());
    put(format_float(value.as_double()), value.tag());
  }

 private:
  void put(std::string_view text, Tag tag = kTemplateTag) {
    runtime_.make(text.size());
    out_.append(text, tag);
  }

  void sequence(std::string_view open, const Value& value, std::string_view close) {
    put(open, value.tag());
    bool first = true;
    for (const Value& item : value.items()) {
      if (!first) put(", ", value.tag());
      first = false;
      repr(item);
    }
    put(close, value.tag());
  }

  void dict(const Value& value) {
    put("{", value.tag());
    bool first = true;
    for (const auto& [key, item] : value.as_dict().items) {
      if (!first) put(", ", value.tag());
      first = false;
      repr(key);
      put(": ", value.tag());
      repr(item);
    }
    put("}", value.tag());
  }

  void name_space(const Namespace& space) {
    if (std::ranges::find(open_, &space) != open_.end()) return put("{...}");
    open_.push_back(&space);
    put("{");
    bool first = true;
    for (const auto& [name, item] : space.attributes.items) {
      if (!first) put(", ");
      first = false;
      repr(name);
      put(": ");
      repr(item);
    }
    put("}");
    open_.pop_back();
  }

  void view(const Value& value) {
    const auto what = value.as_view().what;
    put(what == View::What::kKeys     ? "dict_keys("
        : what == View::What::kValues ? "dict_values("
                                      : "dict_items(");
    repr(Value::list(iterate(runtime_, value), value.as_view().dict.tag()));
    put(")");
  }

  void range(const Range& range) {
    put(concat("range(", range.start, ", ", range.stop));
    if (range.step != 1) put(concat(", ", range.step));
    put(")");
  }

  /// The text in quotes, single ones unless it holds some and no double ones.
  void quoted(const Text& text) {
    const std::string& bytes = text.bytes();
    runtime_.make(2 * bytes.size());
    const bool doubled =
        bytes.find('\'') != std::string::npos && bytes.find('"') == std::string::npos;
    const std::string_view quote = doubled ? "\"" : "'";
    out_.append(quote, text.tag_at(0));
    for (std::size_t at = 0; at < bytes.size();) {
      const std::size_t begin = at;
      const char32_t code = next_code(bytes, at);
      const Tag tag = text.tag_at(begin);
      if (code == '\\' || code == static_cast<unsigned char>(quote[0])) out_.append("\\", tag);
      if (is_printable(code)) {
        out_.append(text, begin, at);
      } else {
        escaped(code, tag);
      }
    }
    out_.append(quote, text.tag_at(bytes.size()));
  }

  void escaped(char32_t code, Tag tag) {
    if (code == '\n') return out_.append("\\n", tag);
    if (code == '\r') return out_.append("\\r", tag);
    if (code == '\t') return out_.append("\\t", tag);
    char digits[16];
    const char* format = code < 0x100 ? "\\x%02x" : code < 0x10000 ? "\\u%04x" : "\\U%08x";
    std::snprintf(digits, sizeof digits, format, static_cast<unsigned>(code));
    runtime_.make(10);
    out_.append(digits, tag);
  }

  Runtime& runtime_;
  Text out_;
  std::vector<const Namespace*> open_;  // those being printed
  int depth_ = 0;
};

}  // namespace

std::string format_float(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  return shortest(value);
}

Text to_text(Runtime& runtime, const Value& value) {
  if (value.is_text()) return value.as_text();
  if (value.is_undefined()) return Text();
  return to_repr(runtime, value);
}

Text to_repr(Runtime& runtime, const Value& value) {
  Printer printer(runtime);
  printer.repr(value);
  return printer.take();
}

}  // namespace hone::jinja
