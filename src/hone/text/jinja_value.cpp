#include <algorithm>
#include <cmath>

#include <hone/base/error.h>
#include <hone/text/jinja_loop.h>
#include <hone/text/jinja_unicode.h>
#include <hone/text/jinja_value.h>

namespace hone::jinja {
namespace {

constexpr std::size_t kManyKeys = 8;
constexpr std::size_t kMaxKeyItems = 16;  // of a tuple that is a key

int depth_above(int deepest) {
  if (deepest >= kMaxValueDepth) fail("values are nested more than ", kMaxValueDepth, " deep");
  return deepest + 1;
}

Value make_list(Kind kind, std::vector<Value> items) {
  auto list = std::make_shared<List>();
  int deepest = 0;
  for (const Value& item : items) deepest = std::max(deepest, item.depth());
  list->depth = depth_above(deepest);
  list->items = std::move(items);
  return Value::object(kind, std::move(list));
}

/// Equality of dict keys: like Python's ==, for what can be hashed.
bool equal_keys(const Value& a, const Value& b) {
  if (a.is_text() || b.is_text()) return a.is_text() && b.is_text() && a.bytes() == b.bytes();
  if (a.is_number() && b.is_number()) {
    if (a.is_integral() && b.is_integral()) return a.as_int() == b.as_int();
    return a.as_double() == b.as_double();
  }
  if (a.kind() != b.kind()) return false;
  if (a.is(Kind::kNone) || a.is_undefined()) return true;
  if (a.is(Kind::kTuple)) return std::ranges::equal(a.items(), b.items(), equal_keys);
  return a.address() == b.address();
}

}  // namespace

Value Value::undefined(std::string message) {
  return object(Kind::kUndefined, std::make_shared<std::string>(std::move(message)));
}

Value Value::boolean(bool value, Tag tag) {
  Value result(Kind::kBool, tag);
  result.integer_ = value ? 1 : 0;
  return result;
}

Value Value::integer(std::int64_t value, Tag tag) {
  Value result(Kind::kInt, tag);
  result.integer_ = value;
  return result;
}

Value Value::real(double value, Tag tag) {
  Value result(Kind::kFloat, tag);
  result.real_ = value;
  return result;
}

Value Value::text(Text value) {
  return object(Kind::kText, std::make_shared<Text>(std::move(value)));
}

Value Value::list(std::vector<Value> items, Tag tag) {
  Value value = make_list(Kind::kList, std::move(items));
  value.tag_ = tag;
  return value;
}

Value Value::tuple(std::vector<Value> items, Tag tag) {
  Value value = make_list(Kind::kTuple, std::move(items));
  value.tag_ = tag;
  return value;
}

Value Value::dict(std::vector<std::pair<Value, Value>> items, Tag tag) {
  auto dict = std::make_shared<Dict>();
  int deepest = 0;
  for (auto& [key, value] : items) {
    deepest = std::max({deepest, key.depth(), value.depth()});
    dict->set(std::move(key), std::move(value));
  }
  dict->depth = depth_above(deepest);
  Value result = object(Kind::kDict, std::move(dict));
  result.tag_ = tag;
  return result;
}

Value Value::range(std::int64_t start, std::int64_t stop, std::int64_t step) {
  return object(Kind::kRange, std::make_shared<Range>(Range{start, stop, step}));
}

Value Value::iterator(int depth, std::function<std::vector<Value>()> items) {
  auto made = std::make_shared<Iterator>();
  made->depth = depth_above(depth);
  made->make = std::move(items);
  return object(Kind::kIterator, std::move(made));
}

Value Value::function(std::string_view name) {
  return object(Kind::kFunction, std::make_shared<std::string>(name));
}

const std::vector<Value>& Value::items() const {
  return static_cast<const List*>(object_.get())->items;
}

std::string Value::undefined_message() const {
  return object_ ? *static_cast<const std::string*>(object_.get()) : "value is undefined";
}

bool Value::same_as(const Value& other) const {
  if (kind_ != other.kind_) return false;
  if (kind_ == Kind::kInt) return integer_ == other.integer_ && integer_ >= -5 && integer_ <= 256;
  if (kind_ == Kind::kNone || kind_ == Kind::kBool) return integer_ == other.integer_;
  return object_ != nullptr && object_ == other.object_;
}

int Value::depth() const {
  switch (kind_) {
    case Kind::kList:
    case Kind::kTuple:
      return static_cast<const List*>(object_.get())->depth;
    case Kind::kDict:
      return as_dict().depth;
    case Kind::kView:
      return as_view().dict.depth() + 1;
    case Kind::kMethod:
      return as_method().self.depth() + 1;
    case Kind::kIterator:
      return as_iterator().depth;
    case Kind::kLoop:
      return as_loop().depth;
    default:
      return 0;
  }
}

std::string_view Value::type_name() const {
  switch (kind_) {
    case Kind::kUndefined:
      return "Undefined";
    case Kind::kNone:
      return "NoneType";
    case Kind::kBool:
      return "bool";
    case Kind::kInt:
      return "int";
    case Kind::kFloat:
      return "float";
    case Kind::kText:
      return "str";
    case Kind::kList:
      return "list";
    case Kind::kTuple:
      return "tuple";
    case Kind::kDict:
      return "dict";
    case Kind::kRange:
      return "range";
    case Kind::kView:
      return "dict view";
    case Kind::kIterator:
      return "generator";
    case Kind::kNamespace:
      return "Namespace";
    case Kind::kLoop:
      return "LoopContext";
    case Kind::kMacro:
      return "Macro";
    default:
      return "function";
  }
}

const Value* Dict::find(const Value& key) const {
  const auto at = index_of(key);
  return at < 0 ? nullptr : &items[static_cast<std::size_t>(at)].second;
}

const Value* Dict::find(std::string_view key) const {
  const auto at = index_of(key);
  return at < 0 ? nullptr : &items[static_cast<std::size_t>(at)].second;
}

void Dict::set(Value key, Value value) {
  if (!hashable(key)) fail("unhashable type: '", key.type_name(), "'");
  if (const auto at = index_of(key); at >= 0) {
    items[static_cast<std::size_t>(at)].second = std::move(value);
    return;
  }
  items.emplace_back(std::move(key), std::move(value));
  if (items.size() <= kManyKeys) return;
  for (std::size_t i = index_.empty() ? 0 : items.size() - 1; i < items.size(); ++i) {
    if (items[i].first.is_text()) index_.emplace(items[i].first.bytes(), i);
  }
}

std::ptrdiff_t Dict::index_of(const Value& key) const {
  if (key.is_text()) return index_of(key.bytes());
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (equal_keys(items[i].first, key)) return static_cast<std::ptrdiff_t>(i);
  }
  return -1;
}

std::ptrdiff_t Dict::index_of(std::string_view key) const {
  if (!index_.empty()) {
    const auto found = index_.find(std::string(key));
    return found == index_.end() ? -1 : static_cast<std::ptrdiff_t>(found->second);
  }
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (items[i].first.is_text() && items[i].first.bytes() == key)
      return static_cast<std::ptrdiff_t>(i);
  }
  return -1;
}

std::int64_t Range::size() const {
  const auto wide_start = static_cast<__int128>(start);
  const __int128 distance = step > 0 ? stop - wide_start : wide_start - stop;
  const __int128 stride = step > 0 ? step : -static_cast<__int128>(step);
  const __int128 count = distance <= 0 ? 0 : (distance + stride - 1) / stride;
  return count > INT64_MAX ? INT64_MAX : static_cast<std::int64_t>(count);
}

bool truth(const Value& value) {
  switch (value.kind()) {
    case Kind::kUndefined:
    case Kind::kNone:
      return false;
    case Kind::kBool:
    case Kind::kInt:
      return value.as_int() != 0;
    case Kind::kFloat:
      return value.as_double() != 0;
    case Kind::kText:
      return !value.bytes().empty();
    default:
      return length_of(value) != 0;
  }
}

bool hashable(const Value& value) {
  switch (value.kind()) {
    case Kind::kList:
    case Kind::kDict:
    case Kind::kView:
      return false;
    case Kind::kTuple:
      return value.depth() == 1 && value.items().size() <= kMaxKeyItems &&
             std::ranges::all_of(value.items(), hashable);
    default:
      return true;
  }
}

std::int64_t length_of(const Value& value) {
  switch (value.kind()) {
    case Kind::kUndefined:
      return 0;
    case Kind::kText:
      return static_cast<std::int64_t>(count_codes(value.bytes()));
    case Kind::kList:
    case Kind::kTuple:
      return static_cast<std::int64_t>(value.items().size());
    case Kind::kDict:
      return static_cast<std::int64_t>(value.as_dict().items.size());
    case Kind::kRange:
      return value.as_range().size();
    case Kind::kView:
      return length_of(value.as_view().dict);
    case Kind::kLoop:
      return value.as_loop().length();
    default:
      return -1;
  }
}

}  // namespace hone::jinja
