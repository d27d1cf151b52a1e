#include <algorithm>
#include <cmath>

#include <hone/base/error.h>
#include <hone/text/jinja_format.h>
#include <hone/text/jinja_methods.h>
#include <hone/text/jinja_operators.h>
#include <hone/text/jinja_unicode.h>

namespace hone::jinja {
namespace {

[[noreturn]] void overflow() {
  fail("a number needs more than 64 bits");
}

std::string_view sign_of(Operator op) {
  switch (op) {
    case Operator::kAdd:
      return "+";
    case Operator::kSubtract:
      return "-";
    case Operator::kMultiply:
      return "*";
    case Operator::kDivide:
      return "/";
    case Operator::kFloorDivide:
      return "//";
    case Operator::kModulo:
      return "%";
    default:
      return "**";
  }
}

Value add(Runtime& runtime, const Value& a, const Value& b) {
  if (a.is_text() && b.is_text()) return Value::text(join(runtime, a.as_text(), b.as_text()));
  if (a.is_sequence() && a.kind() == b.kind()) {
    runtime.make_items(static_cast<std::int64_t>(a.items().size() + b.items().size()));
    std::vector<Value> items = a.items();
    items.insert(items.end(), b.items().begin(), b.items().end());
    return a.is(Kind::kList) ? Value::list(std::move(items)) : Value::tuple(std::move(items));
  }
  fail("unsupported operand types for +: '", a.type_name(), "' and '", b.type_name(), "'");
}

Value multiply(Runtime& runtime, const Value& repeated, std::int64_t count) {
  if (repeated.is_text()) return Value::text(repeat(runtime, repeated.as_text(), count));
  const auto& once = repeated.items();
  std::vector<Value> items;
  if (count > 0 && !once.empty()) {
    std::int64_t total = 0;
    if (__builtin_mul_overflow(count, static_cast<std::int64_t>(once.size()), &total)) overflow();
    runtime.make_items(total);
    for (std::int64_t i = 0; i < count; ++i) items.insert(items.end(), once.begin(), once.end());
  }
  return repeated.is(Kind::kList) ? Value::list(std::move(items)) : Value::tuple(std::move(items));
}

bool equal_items(Runtime& runtime, const std::vector<Value>& a, const std::vector<Value>& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!a[i].same_as(b[i]) && !equal(runtime, a[i], b[i])) return false;
  }
  return true;
}

bool equal_dicts(Runtime& runtime, const Dict& a, const Dict& b) {
  if (a.items.size() != b.items.size()) return false;
  for (const auto& [key, value] : a.items) {
    const Value* other = look_up(runtime, b, key);
    if (other == nullptr || (!value.same_as(*other) && !equal(runtime, value, *other)))
      return false;
  }
  return true;
}

bool equal_ranges(const Range& a, const Range& b) {
  if (a.size() != b.size()) return false;
  return a.size() == 0 || (a.start == b.start && (a.size() == 1 || a.step == b.step));
}

std::optional<int> order_numbers(const Value& a, const Value& b) {
  if (a.is_integral() && b.is_integral())
    return a.as_int() < b.as_int() ? -1 : a.as_int() > b.as_int() ? 1 : 0;
  const double x = a.as_double();
  const double y = b.as_double();
  if (std::isnan(x) || std::isnan(y)) return std::nullopt;
  return x < y ? -1 : x > y ? 1 : 0;
}

}  // namespace

Value arithmetic(Runtime& runtime, Operator op, const Value& a, const Value& b) {
  if (op == Operator::kModulo && a.is_text())
    return Value::text(format_percent(runtime, a.as_text(), b));
  if (a.is_undefined()) fail(a.undefined_message());
  if (b.is_undefined() && !(op == Operator::kAdd && a.is_text())) fail(b.undefined_message());
  if (a.is_number() && b.is_number()) return number_arithmetic(op, a, b);
  if (op == Operator::kAdd) {
    if (b.is_undefined()) fail(b.undefined_message());
    return add(runtime, a, b);
  }
  if (op == Operator::kMultiply) {
    if ((a.is_text() || a.is_sequence()) && b.is_integral())
      return multiply(runtime, a, b.as_int());
    if ((b.is_text() || b.is_sequence()) && a.is_integral())
      return multiply(runtime, b, a.as_int());
  }
  fail("unsupported operand types for ", sign_of(op), ": '", a.type_name(), "' and '",
       b.type_name(), "'");
}

bool equal(Runtime& runtime, const Value& a, const Value& b) {
  runtime.step();
  if (a.is_number() && b.is_number()) return order_numbers(a, b) == 0;
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case Kind::kUndefined:
    case Kind::kNone:
      return true;
    case Kind::kText:
      runtime.read(std::min(a.bytes().size(), b.bytes().size()));
      return a.bytes() == b.bytes();
    case Kind::kList:
    case Kind::kTuple:
      return equal_items(runtime, a.items(), b.items());
    case Kind::kDict:
      return equal_dicts(runtime, a.as_dict(), b.as_dict());
    case Kind::kRange:
      return equal_ranges(a.as_range(), b.as_range());
    case Kind::kMethod:
      return a.as_method().name == b.as_method().name &&
             a.as_method().self.same_as(b.as_method().self);
    case Kind::kFunction:
      return a.function_name() == b.function_name();
    case Kind::kView: {
      if (a.as_view().what == View::What::kValues || a.as_view().what != b.as_view().what)
        return a.same_as(b);
      const auto first = iterate(runtime, a);
      return first.size() == static_cast<std::size_t>(length_of(b)) &&
             std::ranges::all_of(first,
                                 [&](const Value& item) { return contains(runtime, item, b); });
    }
    default:
      return a.address() == b.address();
  }
}

std::optional<int> order(Runtime& runtime, const Value& a, const Value& b, std::string_view sign) {
  runtime.step();
  if (a.is_number() && b.is_number()) return order_numbers(a, b);
  if (a.is_text() && b.is_text()) {
    runtime.read(std::min(a.bytes().size(), b.bytes().size()));
    const int result = a.bytes().compare(b.bytes());
    return result < 0 ? -1 : result > 0 ? 1 : 0;
  }
  if (a.is_sequence() && a.kind() == b.kind()) {
    for (std::size_t i = 0; i < std::min(a.items().size(), b.items().size()); ++i) {
      if (!a.items()[i].same_as(b.items()[i]) && !equal(runtime, a.items()[i], b.items()[i])) {
        return order(runtime, a.items()[i], b.items()[i], sign);
      }
    }
    return a.items().size() < b.items().size() ? -1 : a.items().size() > b.items().size() ? 1 : 0;
  }
  if (a.is_undefined()) fail(a.undefined_message());
  if (b.is_undefined()) fail(b.undefined_message());
  fail("\"", sign, "\" is not supported between '", a.type_name(), "' and '", b.type_name(), "'");
}

bool compare(Runtime& runtime, Operator op, const Value& a, const Value& b) {
  switch (op) {
    case Operator::kEqual:
      return equal(runtime, a, b);
    case Operator::kNotEqual:
      return !equal(runtime, a, b);
    case Operator::kIn:
      return contains(runtime, a, b);
    case Operator::kNotIn:
      return !contains(runtime, a, b);
    case Operator::kLess:
      return order(runtime, a, b, "<").value_or(0) < 0;
    case Operator::kLessEqual:
      return order(runtime, a, b, "<=").value_or(1) <= 0;
    case Operator::kGreater:
      return order(runtime, a, b, ">").value_or(0) > 0;
    default:
      return order(runtime, a, b, ">=").value_or(-1) >= 0;
  }
}

bool contains(Runtime& runtime, const Value& item, const Value& container) {
  if (container.is_text()) {
    if (!item.is_text())
      fail("'in <string>' needs a string on its left, not '", item.type_name(), "'");
    runtime.read(container.bytes().size());
    return find_text(container.bytes(), item.bytes()) != std::string_view::npos;
  }
  const bool keys = container.is(Kind::kView) && container.as_view().what == View::What::kKeys;
  if (container.is(Kind::kDict) || keys) {
    if (!hashable(item)) fail("unhashable type: '", item.type_name(), "'");
    return look_up(runtime, (keys ? container.as_view().dict : container).as_dict(), item) !=
           nullptr;
  }
  if (container.is(Kind::kIterator)) {
    Iterator& iterator = container.as_iterator();
    iterator.start();
    while (iterator.next < iterator.items.size()) {
      const Value& next = iterator.items[iterator.next++];
      if (next.same_as(item) || equal(runtime, next, item)) return true;
    }
    return false;
  }
  return std::ranges::any_of(iterate(runtime, container), [&](const Value& other) {
    return other.same_as(item) || equal(runtime, other, item);
  });
}

const Value* look_up(Runtime& runtime, const Dict& dict, const Value& key) {
  // Keys that are no texts are looked for one by one.
  if (!key.is_text()) runtime.step(static_cast<std::int64_t>(dict.items.size()));
  return dict.find(key);
}

Text repeat(Runtime& runtime, const Text& text, std::int64_t count) {
  Text result;
  result.markup = text.markup;
  if (count <= 0 || text.empty()) return result;
  std::int64_t total = 0;
  if (__builtin_mul_overflow(count, static_cast<std::int64_t>(text.size()), &total)) overflow();
  runtime.make(static_cast<std::size_t>(total));
  for (std::int64_t i = 0; i < count; ++i) result.append(text);
  return result;
}

Text escape_html(Runtime& runtime, const Text& text) {
  Text result;
  const std::string& bytes = text.bytes();
  runtime.make(bytes.size());
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    switch (bytes[i]) {
      case '&':
        result.append("&amp;", text.tag_at(i));
        break;
      case '<':
        result.append("&lt;", text.tag_at(i));
        break;
      case '>':
        result.append("&gt;", text.tag_at(i));
        break;
      case '\'':
        result.append("&#39;", text.tag_at(i));
        break;
      case '"':
        result.append("&#34;", text.tag_at(i));
        break;
      default:
        result.append(text, i, i + 1);
    }
  }
  runtime.make(result.size());
  result.markup = true;
  return result;
}

Text join(Runtime& runtime, const Text& a, const Text& b) {
  if (a.markup != b.markup) {
    return a.markup ? join(runtime, a, escape_html(runtime, b))
                    : join(runtime, escape_html(runtime, a), b);
  }
  runtime.make(a.size() + b.size());
  Text result = a;
  result.append(b);
  return result;
}

std::int64_t integer_argument(const Value& value, std::string_view what) {
  if (value.is_undefined()) fail(value.undefined_message());
  if (!value.is_integral()) fail(what, " must be an integer, not '", value.type_name(), "'");
  return value.as_int();
}

const Text& text_argument(const Value& value, std::string_view what) {
  if (value.is_undefined()) fail(value.undefined_message());
  if (!value.is_text()) fail(what, " must be a string, not '", value.type_name(), "'");
  return value.as_text();
}

}  // namespace hone::jinja
