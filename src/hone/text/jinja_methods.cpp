#include <algorithm>
#include <array>

#include <hone/base/error.h>
#include <hone/text/jinja_methods.h>
#include <hone/text/jinja_operators.h>

namespace hone::jinja {
namespace {

constexpr std::array<std::string_view, 5> kDictMethods = {"get", "keys", "values", "items", "copy"};
constexpr std::array<std::string_view, 6> kDictChanges = {"clear",      "pop",    "popitem",
                                                          "setdefault", "update", "fromkeys"};
constexpr std::array<std::string_view, 2> kSequenceMethods = {"count", "index"};
constexpr std::array<std::string_view, 8> kListChanges = {"append", "clear",  "extend",  "insert",
                                                          "pop",    "remove", "reverse", "sort"};

template <std::size_t N>
bool in(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

Value dict_method(Runtime& runtime,
                  const Value& self,
                  std::string_view name,
                  const CallArguments& arguments) {
  if (name == "get") {
    const Bound bound("get", arguments, {"key", "default"}, 1);
    if (!arguments.keywords.empty()) fail("get() takes no keyword arguments");
    if (!hashable(bound[0])) fail("unhashable type: '", bound[0].type_name(), "'");
    const Value* found = look_up(runtime, self.as_dict(), bound[0]);
    return found != nullptr ? *found : bound.get(1, Value::none());
  }
  const Bound bound(name, arguments, {});
  if (name == "copy") {
    runtime.make_items(length_of(self));
    return Value::dict(self.as_dict().items, self.tag());
  }
  const auto what = name == "keys"     ? View::What::kKeys
                    : name == "values" ? View::What::kValues
                                       : View::What::kItems;
  return Value::object(Kind::kView, std::make_shared<View>(View{self, what}));
}

Value sequence_method(Runtime& runtime,
                      const Value& self,
                      std::string_view name,
                      const CallArguments& arguments) {
  if (name == "copy") {
    const Bound bound(name, arguments, {});
    return self;
  }
  if (!arguments.keywords.empty()) fail(name, "() takes no keyword arguments");
  const bool counts = name == "count";
  const Bound bound(name, arguments,
                    counts ? std::vector<std::string_view>{"value"}
                           : std::vector<std::string_view>{"value", "start", "stop"},
                    1);
  const auto& items = self.items();
  const auto size = static_cast<std::int64_t>(items.size());
  const auto limit = [&](std::size_t argument, std::int64_t absent) {
    if (counts || !bound.has(argument)) return absent;
    const std::int64_t value = integer_argument(bound[argument], "a bound");
    return std::clamp<std::int64_t>(value < 0 ? value + size : value, 0, size);
  };
  const std::int64_t stop = limit(2, size);
  std::int64_t found = 0;
  for (std::int64_t i = limit(1, 0); i < stop; ++i) {
    const Value& item = items[static_cast<std::size_t>(i)];
    if (!item.same_as(bound[0]) && !equal(runtime, item, bound[0])) continue;
    if (!counts) return Value::integer(i);
    ++found;
  }
  if (!counts) fail("the value is not in the ", self.type_name());
  return Value::integer(found);
}

}  // namespace

Bound::Bound(std::string_view function,
             const CallArguments& arguments,
             std::vector<std::string_view> parameters,
             std::size_t required)
    : values_(parameters.size(), nullptr) {
  if (arguments.positional.size() > parameters.size()) {
    fail(function, "() takes at most ", parameters.size(), " arguments, got ",
         arguments.positional.size());
  }
  for (std::size_t i = 0; i < arguments.positional.size(); ++i)
    values_[i] = &arguments.positional[i];
  for (const auto& [name, value] : arguments.keywords) {
    const auto found = std::ranges::find(parameters, name);
    if (found == parameters.end())
      fail(function, "() got an unexpected keyword argument '", name, "'");
    const auto index = static_cast<std::size_t>(found - parameters.begin());
    if (values_[index] != nullptr)
      fail(function, "() got several values for argument '", name, "'");
    values_[index] = &value;
  }
  for (std::size_t i = 0; i < required; ++i) {
    if (values_[i] == nullptr) fail(function, "() is missing its argument '", parameters[i], "'");
  }
}

bool has_method(const Value& value, std::string_view name) {
  switch (value.kind()) {
    case Kind::kText:
      return has_text_method(name);
    case Kind::kDict:
      return in(kDictMethods, name);
    case Kind::kList:
      return in(kSequenceMethods, name) || name == "copy";
    case Kind::kTuple:
      return in(kSequenceMethods, name);
    default:
      return false;
  }
}

bool is_unsafe_method(const Value& value, std::string_view name) {
  if (value.is(Kind::kDict)) return in(kDictChanges, name);
  return value.is(Kind::kList) && in(kListChanges, name);
}

Value call_method(Runtime& runtime,
                  const Value& self,
                  std::string_view name,
                  const CallArguments& arguments) {
  if (self.is_text()) return call_text_method(runtime, self.as_text(), name, arguments);
  if (self.is(Kind::kDict)) return dict_method(runtime, self, name, arguments);
  return sequence_method(runtime, self, name, arguments);
}

}  // namespace hone::jinja
