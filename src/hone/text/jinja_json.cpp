#include <algorithm>
#include <cmath>
#include <cstdio>
#include <optional>

#include <nlohmann/json.hpp>

#include <hone/base/error.h>
#include <hone/text/jinja_json.h>
#include <hone/text/jinja_operators.h>
#include <hone/text/jinja_unicode.h>

namespace hone::jinja {
namespace {

Value convert(const Json& json, Tag tag, int depth) {
  if (depth > kMaxValueDepth) fail("JSON is nested more than ", kMaxValueDepth, " deep");
  switch (json.type()) {
    case Json::value_t::boolean:
      return Value::boolean(json.get<bool>(), tag);
    case Json::value_t::number_integer:
      return Value::integer(json.get<std::int64_t>(), tag);
    case Json::value_t::number_unsigned: {
      const auto number = json.get<std::uint64_t>();
      if (number > INT64_MAX) return Value::real(static_cast<double>(number), tag);
      return Value::integer(static_cast<std::int64_t>(number), tag);
    }
    case Json::value_t::number_float:
      return Value::real(json.get<double>(), tag);
    case Json::value_t::string:
      return Value::text(json.get_ref<const std::string&>(), tag);
    case Json::value_t::array: {
      std::vector<Value> items;
      for (const Json& item : json) items.push_back(convert(item, tag, depth + 1));
      return Value::list(std::move(items), tag);
    }
    case Json::value_t::object: {
      std::vector<std::pair<Value, Value>> items;
      for (const auto& [key, item] : json.items()) {
        items.emplace_back(Value::text(key, tag), convert(item, tag, depth + 1));
      }
      return Value::dict(std::move(items), tag);
    }
    default:
      return Value::none(tag);
  }
}

struct JsonOptions {
  bool ensure_ascii = false;
  bool sort_keys = false;
  std::optional<Text> indent;
  Text item_separator{", "};
  Text key_separator{": "};
};

JsonOptions read_options(Runtime& runtime, const CallArguments& arguments) {
  const Bound bound("tojson", arguments, {"ensure_ascii", "indent", "separators", "sort_keys"});
  JsonOptions options;
  options.ensure_ascii = bound.flag(0, false);
  options.sort_keys = bound.flag(3, false);
  if (bound.has(1) && !bound[1].is(Kind::kNone)) {
    options.indent = bound[1].is_text()
                         ? bound[1].as_text()
                         : repeat(runtime, Text(" "), integer_argument(bound[1], "indent"));
    options.item_separator = Text(",");
  }
  if (bound.has(2) && !bound[2].is(Kind::kNone)) {
    const auto separators = iterate(runtime, bound[2]);
    if (separators.size() != 2) fail("separators must be two strings");
    options.item_separator = text_argument(separators[0], "a separator");
    options.key_separator = text_argument(separators[1], "a separator");
  }
  return options;
}

class JsonWriter {
 public:
  JsonWriter(Runtime& runtime, const JsonOptions& options) : runtime_(runtime), options_(options) {}

  Text take() { return std::move(out_); }

  void write(const Value& value) {
    runtime_.step();
    switch (value.kind()) {
      case Kind::kNone:
        return put("null", value.tag());
      case Kind::kBool:
        return put(value.as_bool() ? "true" : "false", value.tag());
      case Kind::kInt:
        return put(std::to_string(value.as_int()), value.tag());
      case Kind::kFloat:
        return put(number(value.as_double()), value.tag());
      case Kind::kText:
        return quoted(value.as_text());
      case Kind::kList:
      case Kind::kTuple:
        return list(value);
      case Kind::kDict:
        return dict(value);
      default:
        fail("object of type ", value.type_name(), " is not JSON serializable");
    }
  }

 private:
  void put(std::string_view text, Tag tag) {
    runtime_.make(text.size());
    out_.append(text, tag);
  }

  static std::string number(double value) {
    if (std::isnan(value)) return "NaN";
    if (std::isinf(value)) return value < 0 ? "-Infinity" : "Infinity";
    return format_float(value);
  }

  void new_line(Tag tag) {
    if (!options_.indent) return;
    put("\n", tag);
    for (int i = 0; i < level_; ++i) put(options_.indent->bytes(), tag);
  }

  /// Brackets around `count` members, `member(i)` writing one.
  template <typename Member>
  void members(std::string_view brackets, std::size_t count, Tag tag, Member member) {
    put(brackets.substr(0, 1), tag);
    ++level_;
    for (std::size_t i = 0; i < count; ++i) {
      if (i > 0) put(options_.item_separator.bytes(), tag);
      new_line(tag);
      member(i);
    }
    --level_;
    if (count > 0) new_line(tag);
    put(brackets.substr(1), tag);
  }

  void list(const Value& value) {
    members("[]", value.items().size(), value.tag(),
            [&](std::size_t i) { write(value.items()[i]); });
  }

  void dict(const Value& value) {
    auto items = value.as_dict().items;
    if (options_.sort_keys) {
      std::stable_sort(items.begin(), items.end(), [this](const auto& a, const auto& b) {
        return order(runtime_, a.first, b.first, "<").value_or(0) < 0;
      });
    }
    members("{}", items.size(), value.tag(), [&](std::size_t i) {
      key(items[i].first);
      put(options_.key_separator.bytes(), value.tag());
      write(items[i].second);
    });
  }

  void key(const Value& value) {
    if (value.is_text()) return quoted(value.as_text());
    if (!value.is_number() && !value.is(Kind::kNone)) {
      fail("keys must be str, int, float, bool or None, not ", value.type_name());
    }
    put("\"", value.tag());
    write(value);
    put("\"", value.tag());
  }

  void quoted(const Text& text) {
    const std::string& bytes = text.bytes();
    runtime_.make(bytes.size() + 2);
    out_.append("\"", text.tag_at(0));
    for (std::size_t at = 0; at < bytes.size();) {
      const std::size_t begin = at;
      while (at < bytes.size() && is_plain(bytes[at])) ++at;
      out_.append(text, begin, at);
      if (at < bytes.size()) special(text, at);
    }
    out_.append("\"", text.tag_at(bytes.size()));
  }

  /// Whether a byte of a text stands for itself.
  bool is_plain(char byte) const {
    const auto code = static_cast<unsigned char>(byte);
    return code >= 0x20 && code != '"' && code != '\\' && !(options_.ensure_ascii && code >= 0x7F);
  }

  /// One character that is written in another way; `at` moves behind it.
  void special(const Text& text, std::size_t& at) {
    const std::string& bytes = text.bytes();
    const std::size_t begin = at;
    const char32_t code = next_code(bytes, at);
    const Tag tag = text.tag_at(begin);
    if (const auto short_form = std::string_view("\"\\\n\r\t\f\b").find(static_cast<char>(code));
        code < 0x80 && short_form != std::string_view::npos) {
      out_.append(std::string("\\") + "\"\\nrtfb"[short_form], tag);
    } else {
      escaped(code, tag);
    }
  }

  void escaped(char32_t code, Tag tag) {
    runtime_.make(12);
    char digits[16];
    if (code >= 0x10000) {
      code -= 0x10000;
      std::snprintf(digits, sizeof digits, "\\u%04x", static_cast<unsigned>(0xD800 + (code >> 10)));
      out_.append(digits, tag);
      code = 0xDC00 + (code & 0x3FF);
    }
    std::snprintf(digits, sizeof digits, "\\u%04x", static_cast<unsigned>(code));
    out_.append(digits, tag);
  }

  Runtime& runtime_;
  const JsonOptions& options_;
  Text out_;
  int level_ = 0;
};

}  // namespace

Value from_json(const Json& json, Tag tag) {
  return convert(json, tag, 0);
}

Text to_json(Runtime& runtime, const Value& value, const CallArguments& arguments) {
  const JsonOptions options = read_options(runtime, arguments);
  JsonWriter writer(runtime, options);
  writer.write(value);
  return writer.take();
}

}  // namespace hone::jinja
