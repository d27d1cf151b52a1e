// Going through values and looking things up in them.
#include <algorithm>
#include <optional>

#include <hone/base/error.h>
#include <hone/text/jinja_loop.h>
#include <hone/text/jinja_methods.h>
#include <hone/text/jinja_operators.h>
#include <hone/text/jinja_unicode.h>

namespace hone::jinja {
namespace {

std::vector<Value> characters(const Text& text) {
  std::vector<Value> items;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    next_code(text.bytes(), at);
    Text character;
    character.append(text, begin, at);
    items.push_back(Value::text(std::move(character)));
  }
  return items;
}

std::vector<Value> view_items(const View& view) {
  std::vector<Value> items;
  for (const auto& [key, value] : view.dict.as_dict().items) {
    switch (view.what) {
      case View::What::kKeys:
        items.push_back(key);
        break;
      case View::What::kValues:
        items.push_back(value);
        break;
      case View::What::kItems:
        items.push_back(Value::tuple({key, value}));
    }
  }
  return items;
}

Value missing_item(const Value& container, const Value& index) {
  return Value::undefined(
      index.is_text()
          ? concat("'", container.type_name(), " object' has no attribute '", index.bytes(), "'")
          : concat(container.type_name(), " object has no such element"));
}

/// index counted from the end where negative; nothing outside of 0 .. size.
std::optional<std::size_t> position(std::int64_t index, std::int64_t size) {
  if (index < 0) index += size;
  if (index < 0 || index >= size) return std::nullopt;
  return static_cast<std::size_t>(index);
}

/// Which elements start:stop:step takes of `size`.
struct Slice {
  std::int64_t start = 0;
  std::int64_t end = 0;
  std::int64_t count = 0;
  std::int64_t step = 1;
};

std::optional<std::int64_t> bound(const Value* value) {
  if (value == nullptr || value->is(Kind::kNone)) return std::nullopt;
  if (value->is_undefined()) fail(value->undefined_message());
  if (!value->is_integral())
    fail("slice indices must be integers or None, not '", value->type_name(), "'");
  return value->as_int();
}

Slice resolve(std::int64_t size, const Value* start, const Value* stop, const Value* step) {
  Slice slice;
  slice.step = bound(step).value_or(1);
  if (slice.step == 0) fail("slice step cannot be zero");
  slice.step = std::max(slice.step, -INT64_MAX);
  const bool forward = slice.step > 0;
  const auto clamp = [&](std::optional<std::int64_t> value, std::int64_t absent) {
    if (!value) return absent;
    const std::int64_t low = forward ? 0 : -1;
    if (*value < 0) return std::max(*value + size, low);
    return std::min(*value, forward ? size : size - 1);
  };
  slice.start = clamp(bound(start), forward ? 0 : size - 1);
  slice.end = clamp(bound(stop), forward ? size : -1);
  if (forward && slice.end > slice.start)
    slice.count = (slice.end - slice.start - 1) / slice.step + 1;
  if (!forward && slice.end < slice.start)
    slice.count = (slice.start - slice.end - 1) / -slice.step + 1;
  return slice;
}

Value slice_text(Runtime& runtime, const Text& text, const Slice& slice) {
  if (slice.count == 0) return Value::text(text.slice(0, 0));
  if (slice.step == 1) {
    const std::size_t begin = offset_of(text.bytes(), static_cast<std::size_t>(slice.start));
    const auto rest = std::string_view(text.bytes()).substr(begin);
    const std::size_t length = offset_of(rest, static_cast<std::size_t>(slice.count));
    runtime.make(length);
    return Value::text(text.slice(begin, begin + length));
  }
  std::vector<std::size_t> starts;
  runtime.make(8 * text.size());
  for (std::size_t at = 0; at < text.size(); next_code(text.bytes(), at)) starts.push_back(at);
  starts.push_back(text.size());
  Text result;
  result.markup = text.markup;
  for (std::int64_t i = 0; i < slice.count; ++i) {
    const auto code = static_cast<std::size_t>(slice.start + i * slice.step);
    result.append(text, starts[code], starts[code + 1]);
  }
  return Value::text(std::move(result));
}

Value item_of_text(const Text& text, std::int64_t index, const Value& whole, const Value& key) {
  const auto at = position(index, static_cast<std::int64_t>(count_codes(text.bytes())));
  if (!at) return missing_item(whole, key);
  const std::size_t begin = offset_of(text.bytes(), *at);
  std::size_t end = begin;
  next_code(text.bytes(), end);
  return Value::text(text.slice(begin, end));
}

Value loop_attribute(const Value& whole, std::string_view name) {
  Loop& loop = whole.as_loop();
  const auto index = static_cast<std::int64_t>(loop.index0);
  if (name == "index") return Value::integer(index + 1);
  if (name == "index0") return Value::integer(index);
  if (name == "revindex") return Value::integer(loop.length() - index);
  if (name == "revindex0") return Value::integer(loop.length() - index - 1);
  if (name == "first") return Value::boolean(index == 0);
  if (name == "last") return Value::boolean(!loop.has(loop.index0 + 2));
  if (name == "length") return Value::integer(loop.length());
  if (name == "depth") return Value::integer(loop.recursion + 1);
  if (name == "depth0") return Value::integer(loop.recursion);
  if (name == "previtem") {
    return index == 0 ? Value::undefined("there is no previous item") : loop.items[loop.index0 - 1];
  }
  if (name == "nextitem") {
    return loop.has(loop.index0 + 2) ? loop.items[loop.index0 + 1]
                                     : Value::undefined("there is no next item");
  }
  if (name == "cycle" || name == "changed") {
    return Value::object(Kind::kMethod, std::make_shared<Method>(Method{whole, std::string(name)}));
  }
  return missing_item(whole, Value::text(name));
}

/// An attribute in Python's sense: a method, or what a loop or namespace holds.
std::optional<Value> python_attribute(const Value& value, std::string_view name) {
  if (value.is(Kind::kLoop)) {
    Value found = loop_attribute(value, name);
    return found;
  }
  if (value.is(Kind::kNamespace)) {
    const Value* found = value.as_namespace().attributes.find(name);
    return found == nullptr ? std::nullopt : std::optional(*found);
  }
  if (is_unsafe_method(value, name)) {
    return Value::undefined(
        concat("access to attribute '", name, "' of '", value.type_name(), "' object is unsafe."));
  }
  if (!has_method(value, name)) return std::nullopt;
  return Value::object(Kind::kMethod, std::make_shared<Method>(Method{value, std::string(name)}));
}

}  // namespace

std::vector<Value> iterate(Runtime& runtime, const Value& value) {
  switch (value.kind()) {
    case Kind::kUndefined:
      return {};
    case Kind::kText:
      runtime.make_items(length_of(value));
      return characters(value.as_text());
    case Kind::kList:
    case Kind::kTuple:
      runtime.make_items(length_of(value));
      return value.items();
    case Kind::kDict:
      runtime.make_items(length_of(value));
      return view_items({value, View::What::kKeys});
    case Kind::kView:
      runtime.make_items(length_of(value));
      return view_items(value.as_view());
    case Kind::kRange: {
      const Range& range = value.as_range();
      runtime.make_items(range.size());
      std::vector<Value> items;
      for (std::int64_t i = 0; i < range.size(); ++i) items.push_back(Value::integer(range.at(i)));
      return items;
    }
    case Kind::kIterator: {
      Iterator& iterator = value.as_iterator();
      iterator.start();
      const auto rest =
          static_cast<std::ptrdiff_t>(std::exchange(iterator.next, iterator.items.size()));
      runtime.make_items(static_cast<std::int64_t>(iterator.items.size()) - rest);
      return {iterator.items.begin() + rest, iterator.items.end()};
    }
    default:
      fail("'", value.type_name(), "' object is not iterable");
  }
}

Value item_of(Runtime& runtime, const Value& container, const Value& index) {
  if (container.is_undefined()) fail(container.undefined_message());
  if (container.is(Kind::kDict)) {
    if (const Value* found =
            hashable(index) ? look_up(runtime, container.as_dict(), index) : nullptr)
      return *found;
  }
  if (index.is_integral()) {
    if (container.is_text()) {
      runtime.read(container.bytes().size());
      return item_of_text(container.as_text(), index.as_int(), container, index);
    }
    if (container.is_sequence()) {
      const auto at = position(index.as_int(), length_of(container));
      return at ? container.items()[*at] : missing_item(container, index);
    }
    if (container.is(Kind::kRange)) {
      const auto at = position(index.as_int(), length_of(container));
      return at ? Value::integer(container.as_range().at(static_cast<std::int64_t>(*at)))
                : missing_item(container, index);
    }
  }
  if (index.is_text()) {
    if (auto found = python_attribute(container, index.bytes())) return *found;
  }
  return missing_item(container, index);
}

Value slice_of(Runtime& runtime,
               const Value& container,
               const Value* start,
               const Value* stop,
               const Value* step) {
  if (container.is_undefined()) fail(container.undefined_message());
  const bool sliceable =
      container.is_text() || container.is_sequence() || container.is(Kind::kRange);
  if (!sliceable) fail("'", container.type_name(), "' object cannot be sliced");
  const Slice slice = resolve(length_of(container), start, stop, step);
  if (container.is_text()) {
    runtime.read(container.bytes().size());
    return slice_text(runtime, container.as_text(), slice);
  }
  if (container.is(Kind::kRange)) {
    const Range& range = container.as_range();
    std::int64_t stride = 0;
    if (__builtin_mul_overflow(range.step, slice.step, &stride))
      fail("a number needs more than 64 bits");
    return Value::range(range.at(slice.start), range.at(slice.end), stride);
  }
  runtime.make_items(slice.count);
  std::vector<Value> items;
  for (std::int64_t i = 0; i < slice.count; ++i) {
    items.push_back(container.items()[static_cast<std::size_t>(slice.start + i * slice.step)]);
  }
  return container.is(Kind::kList) ? Value::list(std::move(items), container.tag())
                                   : Value::tuple(std::move(items), container.tag());
}

Value attribute_of(Runtime& runtime, const Value& value, std::string_view name) {
  if (value.is_undefined()) fail(value.undefined_message());
  runtime.step();
  if (auto found = python_attribute(value, name)) return *found;
  if (value.is(Kind::kDict)) {
    if (const Value* found = value.as_dict().find(name)) return *found;
  }
  return missing_item(value, Value::text(name));
}

}  // namespace hone::jinja
