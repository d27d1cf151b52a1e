// The filters on lists: length, join, map, select and their kin.
#include <algorithm>
#include <map>
#include <optional>

#include <hone/base/error.h>
#include <hone/text/jinja_filters.h>
#include <hone/text/jinja_operators.h>
#include <hone/text/jinja_unicode.h>

namespace hone::jinja {
namespace {

/// A filter that Jinja writes as a generator: nothing happens before its result is gone through.
template <std::vector<Value> (*make)(Runtime&, const Value&, const CallArguments&)>
Value lazy(Runtime& runtime, const Value& value, const CallArguments& arguments) {
  int depth = value.depth();
  for (const Value& argument : arguments.positional) depth = std::max(depth, argument.depth());
  for (const auto& [name, argument] : arguments.keywords) depth = std::max(depth, argument.depth());
  return Value::iterator(depth + 1,
                         [&runtime, value, arguments] { return make(runtime, value, arguments); });
}

Value length(Runtime&, const Value& value, const CallArguments& arguments) {
  const Bound bound("length", arguments, {});
  const std::int64_t count = length_of(value);
  if (count < 0) fail("object of type '", value.type_name(), "' has no length");
  return Value::integer(count);
}

Value list(Runtime& runtime, const Value& value, const CallArguments& arguments) {
  const Bound bound("list", arguments, {});
  return Value::list(iterate(runtime, value), value.tag());
}

Value first(Runtime& runtime, const Value& value, const CallArguments& arguments) {
  const Bound bound("first", arguments, {});
  if (value.is(Kind::kIterator)) {
    Iterator& iterator = value.as_iterator();
    iterator.start();
    if (iterator.next < iterator.items.size()) return iterator.items[iterator.next++];
    return Value::undefined("No first item, sequence was empty.");
  }
  if (value.is_sequence() && !value.items().empty()) return value.items().front();
  const auto items = iterate(runtime, value);
  return items.empty() ? Value::undefined("No first item, sequence was empty.") : items.front();
}

void require_reversible(const Value& value) {
  const bool reversible = value.is_text() || value.is_sequence() || value.is(Kind::kDict) ||
                          value.is(Kind::kRange) || value.is(Kind::kView) || value.is_undefined();
  if (!reversible) fail("'", value.type_name(), "' object is not reversible");
}

Value last(Runtime& runtime, const Value& value, const CallArguments& arguments) {
  const Bound bound("last", arguments, {});
  require_reversible(value);
  if (value.is_sequence() && !value.items().empty()) return value.items().back();
  const auto items = iterate(runtime, value);
  return items.empty() ? Value::undefined("No last item, sequence was empty.") : items.back();
}

Value reverse(Runtime& runtime, const Value& value, const CallArguments& arguments) {
  const Bound bound("reverse", arguments, {});
  if (value.is_text()) {
    const Value step = Value::integer(-1);
    return slice_of(runtime, value, nullptr, nullptr, &step);
  }
  auto items = iterate(runtime, value);
  std::ranges::reverse(items);
  if (value.is(Kind::kIterator)) return Value::list(std::move(items));
  return Value::iterator(value.depth(), [items] { return items; });
}

/// The steps of an attribute path such as "function.arguments.0".
std::vector<Value> path_of(const Value& attribute) {
  if (attribute.is(Kind::kNone)) return {};
  if (!attribute.is_text()) return {attribute};
  std::vector<Value> path;
  const std::string& bytes = attribute.bytes();
  for (std::size_t begin = 0; begin <= bytes.size();) {
    const std::size_t end = std::min(bytes.find('.', begin), bytes.size());
    const std::string part = bytes.substr(begin, end - begin);
    const bool number = !part.empty() && part.size() < 10 &&
                        std::ranges::all_of(part, [](char c) { return c >= '0' && c <= '9'; });
    path.push_back(number ? Value::integer(std::stoll(part)) : Value::text(part));
    begin = end + 1;
  }
  return path;
}

Value follow(Runtime& runtime, Value value, const std::vector<Value>& path, const Value* fallback) {
  for (const Value& step : path) {
    value = item_of(runtime, value, step);
    if (fallback != nullptr && value.is_undefined()) value = *fallback;
  }
  return value;
}

/// What values are compared by: an attribute of them, texts in lower case.
class SortKey {
 public:
  SortKey(Runtime& runtime, const Value* attribute, bool case_sensitive)
      : runtime_(runtime), case_sensitive_(case_sensitive) {
    if (attribute != nullptr) path_ = path_of(*attribute);
  }

  Value operator()(const Value& value) const {
    Value key = follow(runtime_, value, path_, nullptr);
    if (!case_sensitive_ && key.is_text())
      key = Value::text(change_case(runtime_, key.as_text(), "lower"));
    return key;
  }

 private:
  Runtime& runtime_;
  bool case_sensitive_;
  std::vector<Value> path_;
};

const Value* given(const Bound& bound, std::size_t index) {
  return bound.has(index) && !bound[index].is(Kind::kNone) ? &bound[index] : nullptr;
}

/// `items` in ascending (or descending) order of their keys, equal ones in their old order.
std::vector<Value> sorted(Runtime& runtime,
                          const std::vector<Value>& items,
                          const std::vector<Value>& keys,
                          bool descending) {
  std::vector<std::size_t> places(items.size());
  for (std::size_t i = 0; i < places.size(); ++i) places[i] = i;
  std::stable_sort(places.begin(), places.end(), [&](std::size_t a, std::size_t b) {
    const int sign = order(runtime, keys[a], keys[b], "<").value_or(0);
    return descending ? sign > 0 : sign < 0;
  });
  std::vector<Value> result;
  for (const std::size_t place : places) result.push_back(items[place]);
  return result;
}

Value sort(Runtime& runtime, const Value& value, const CallArguments& arguments) {
  const Bound bound("sort", arguments, {"reverse", "case_sensitive", "attribute"});
  const Value* attribute = given(bound, 2);
  std::vector<Value> attributes;  // "a,b" sorts by a, then by b
  if (attribute != nullptr && attribute->is_text()) {
    Runtime& r = runtime;
    attributes =
        call_text_method(r, attribute->as_text(), "split", {{Value::text(",")}, {}}).items();
  } else {
    attributes.push_back(attribute != nullptr ? *attribute : Value::none());
  }
  const auto items = iterate(runtime, value);
  std::vector<Value> keys;
  for (const Value& item : items) {
    std::vector<Value> parts;
    for (const Value& name : attributes)
      parts.push_back(SortKey(runtime, &name, bound.flag(1, false))(item));
    keys.push_back(Value::list(std::move(parts)));
  }
  return Value::list(sorted(runtime, items, keys, bound.flag(0, false)));
}

Value dictsort(Runtime& runtime, const Value& value, const CallArguments& arguments) {
  const Bound bound("dictsort", arguments, {"case_sensitive", "by", "reverse"});
  const Value by = bound.get(1, Value::text("key"));
  const std::string side = by.is_text() ? by.bytes() : "";
  if (side != "key" && side != "value") fail("dictsort: by must be \"key\" or \"value\"");
  if (value.is_undefined()) fail(value.undefined_message());
  if (!value.is(Kind::kDict)) fail("'", value.type_name(), "' object has no items");
  const SortKey key(runtime, nullptr, bound.flag(0, false));
  std::vector<Value> items;
  std::vector<Value> keys;
  runtime.make_items(2 * length_of(value));
  for (const auto& [name, item] : value.as_dict().items) {
    keys.push_back(key(side == "key" ? name : item));
    items.push_back(Value::tuple({name, item}));
  }
  return Value::list(sorted(runtime, items, keys, bound.flag(2, false)));
}

std::vector<Value> unique(Runtime& runtime, const Value& value, const CallArguments& arguments) {
  const Bound bound("unique", arguments, {"case_sensitive", "attribute"});
  const SortKey key(runtime, given(bound, 1), bound.flag(0, false));
  Dict seen;
  std::vector<Value> items;
  for (const Value& item : iterate(runtime, value)) {
    Value name = key(item);
    if (!hashable(name)) fail("unhashable type: '", name.type_name(), "'");
    if (!name.is_text()) runtime.step(static_cast<std::int64_t>(seen.items.size()));
    if (seen.find(name) != nullptr) continue;
    seen.set(std::move(name), Value::none());
    items.push_back(item);
  }
  return items;
}

Value extreme(Runtime& runtime, const Value& value, const CallArguments& arguments, bool largest) {
  const Bound bound(largest ? "max" : "min", arguments, {"case_sensitive", "attribute"});
  const SortKey key(runtime, given(bound, 1), bound.flag(0, false));
  std::optional<Value> best;
  Value best_key;
  for (const Value& item : iterate(runtime, value)) {
    Value item_key = key(item);
    const int sign = best ? order(runtime, item_key, best_key, largest ? ">" : "<").value_or(0) : 0;
    if (best && (largest ? sign <= 0 : sign >= 0)) continue;
    best = item;
    best_key = std::move(item_key);
  }
  return best ? *best : Value::undefined("No aggregated item, sequence was empty.");
}

Value min(Runtime& runtime, const Value& value, const CallArguments& arguments) {
  return extreme(runtime, value, arguments, false);
}
Value max(Runtime& runtime, const Value& value, const CallArguments& arguments) {
  return extreme(runtime, value, arguments, true);
}

Value sum(Runtime& runtime, const Value& value, const CallArguments& arguments) {
  const Bound bound("sum", arguments, {"attribute", "start"});
  const auto path = bound.has(0) ? path_of(bound[0]) : std::vector<Value>{};
  Value total = bound.get(1, Value::integer(0));
  if (total.is_text()) fail("sum() can't sum strings");
  for (const Value& item : iterate(runtime, value)) {
    total = arithmetic(runtime, Operator::kAdd, total, follow(runtime, item, path, nullptr));
  }
  return total;
}

Value join_filter(Runtime& runtime, const Value& value, const CallArguments& arguments) {
  const Bound bound("join", arguments, {"d", "attribute"});
  const Text separator = bound.has(0) ? to_text(runtime, bound[0]) : Text();
  const auto path = bound.has(1) ? path_of(bound[1]) : std::vector<Value>{};
  std::vector<Text> texts;
  for (const Value& item : iterate(runtime, value))
    texts.push_back(to_text(runtime, follow(runtime, item, path, nullptr)));
  return Value::text(join_texts(runtime, separator, texts));
}

std::vector<Value> items(Runtime& runtime, const Value& value, const CallArguments& arguments) {
  const Bound bound("items", arguments, {});
  if (value.is_undefined()) return {};
  if (!value.is(Kind::kDict)) fail("can only get item pairs from a mapping");
  return iterate(
      runtime, Value::object(Kind::kView, std::make_shared<View>(View{value, View::What::kItems})));
}

/// The arguments from the one at `from` on.
CallArguments rest_of(const CallArguments& arguments, std::size_t from) {
  CallArguments rest;
  rest.keywords = arguments.keywords;
  rest.positional.assign(arguments.positional.begin() + static_cast<std::ptrdiff_t>(from),
                         arguments.positional.end());
  return rest;
}

std::vector<Value> map_attribute(Runtime& runtime,
                                 const Value& value,
                                 const CallArguments& arguments) {
  const Bound bound("map", arguments, {"attribute", "default"});
  const auto path = path_of(bound[0]);
  const Value* fallback = given(bound, 1);
  std::vector<Value> mapped;
  for (const Value& item : iterate(runtime, value))
    mapped.push_back(follow(runtime, item, path, fallback));
  return mapped;
}

std::vector<Value> map(Runtime& runtime, const Value& value, const CallArguments& arguments) {
  if (!truth(value)) return {};
  const bool by_attribute =
      std::ranges::any_of(arguments.keywords, [](const auto& k) { return k.first == "attribute"; });
  if (arguments.positional.empty() && by_attribute) return map_attribute(runtime, value, arguments);
  if (arguments.positional.empty()) fail("map requires a filter argument");
  const std::string name = text_argument(arguments.positional[0], "the filter's name").bytes();
  const CallArguments rest = rest_of(arguments, 1);
  std::vector<Value> mapped;
  for (const Value& item : iterate(runtime, value))
    mapped.push_back(apply_filter(runtime, name, item, rest));
  return mapped;
}

/// select, reject, selectattr, rejectattr.
template <bool keep, bool by_attribute>
std::vector<Value> select(Runtime& runtime, const Value& value, const CallArguments& arguments) {
  if (!truth(value)) return {};
  std::size_t used = 0;
  std::vector<Value> path;
  if (by_attribute) {
    if (arguments.positional.empty()) fail("missing parameter for attribute name");
    path = path_of(arguments.positional[used++]);
  }
  std::optional<std::string> test;
  if (used < arguments.positional.size())
    test = text_argument(arguments.positional[used++], "the test's name").bytes();
  const CallArguments rest = rest_of(arguments, used);
  std::vector<Value> kept;
  for (const Value& item : iterate(runtime, value)) {
    const Value tested = follow(runtime, item, path, nullptr);
    if ((test ? apply_test(runtime, *test, tested, rest) : truth(tested)) == keep)
      kept.push_back(item);
  }
  return kept;
}

std::vector<Value> batch(Runtime& runtime, const Value& value, const CallArguments& arguments) {
  const Bound bound("batch", arguments, {"linecount", "fill_with"}, 1);
  const std::int64_t size = integer_argument(bound[0], "linecount");
  std::vector<Value> rows;
  std::vector<Value> row;
  for (const Value& item : iterate(runtime, value)) {
    if (static_cast<std::int64_t>(row.size()) == size)
      rows.push_back(Value::list(std::exchange(row, {})));
    row.push_back(item);
  }
  if (!row.empty()) {
    const Value* fill = given(bound, 1);
    if (fill != nullptr) {
      runtime.make_items(size);
      while (static_cast<std::int64_t>(row.size()) < size) row.push_back(*fill);
    }
    rows.push_back(Value::list(std::move(row)));
  }
  return rows;
}

std::vector<Value> slice(Runtime& runtime, const Value& value, const CallArguments& arguments) {
  const Bound bound("slice", arguments, {"slices", "fill_with"}, 1);
  const std::int64_t slices = integer_argument(bound[0], "slices");
  const auto all = iterate(runtime, value);
  if (slices == 0) fail("integer division or modulo by zero");
  runtime.make_items(std::max<std::int64_t>(slices, 0));
  const auto count = static_cast<std::int64_t>(all.size());
  std::vector<Value> rows;
  std::int64_t begin = 0;
  for (std::int64_t i = 0; i < slices; ++i) {
    const bool longer = i < count % slices;
    const std::int64_t end = begin + count / slices + (longer ? 1 : 0);
    std::vector<Value> row(all.begin() + begin, all.begin() + end);
    if (const Value* fill = given(bound, 1); fill != nullptr && !longer) row.push_back(*fill);
    rows.push_back(Value::list(std::move(row)));
    begin = end;
  }
  return rows;
}

Value attribute(Runtime& runtime, const Value& value, const CallArguments& arguments) {
  const Bound bound("attr", arguments, {"name"}, 1);
  const std::string& name = text_argument(bound[0], "name").bytes();
  // A dict's items are no attributes.
  if (value.is(Kind::kDict) && !has_method(value, name) && !is_unsafe_method(value, name)) {
    return Value::undefined(concat("'dict object' has no attribute '", name, "'"));
  }
  return attribute_of(runtime, value, name);
}

}  // namespace

Filter sequence_filter(std::string_view name) {
  static const std::map<std::string_view, Filter> table = {
      {"attr", attribute},
      {"batch", lazy<batch>},
      {"count", length},
      {"dictsort", dictsort},
      {"first", first},
      {"items", lazy<items>},
      {"join", join_filter},
      {"last", last},
      {"length", length},
      {"list", list},
      {"map", lazy<map>},
      {"max", max},
      {"min", min},
      {"reject", lazy<select<false, false>>},
      {"rejectattr", lazy<select<false, true>>},
      {"reverse", reverse},
      {"select", lazy<select<true, false>>},
      {"selectattr", lazy<select<true, true>>},
      {"slice", lazy<slice>},
      {"sort", sort},
      {"sum", sum},
      {"unique", lazy<unique>},
  };
  const auto found = table.find(name);
  return found == table.end() ? nullptr : found->second;
}

}  // namespace hone::jinja
