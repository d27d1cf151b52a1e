// Values of a template: what Python's None, bool, int, float, str, list, tuple and dict are to
// Jinja.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <hone/text/jinja_text.h>

namespace hone::jinja {

enum class Kind : std::uint8_t {
  kUndefined,
  kNone,
  kBool,
  kInt,
  kFloat,
  kText,
  kList,
  kTuple,
  kDict,
  kRange,      // range(...)
  kView,       // dict.keys(), dict.values(), dict.items()
  kIterator,   // what a generator gives: can be gone through once
  kNamespace,  // namespace(...), the only value that can be changed
  kLoop,       // the variable `loop`
  kMacro,
  kFunction,  // a global such as raise_exception
  kMethod,    // a method with the value it belongs to
};

struct List;
struct Dict;
struct Range;
struct View;
struct Iterator;
struct Namespace;
struct Loop;
struct Macro;
struct Method;

/// One value. Copies are cheap: they share what they point to, which never changes (namespaces and
/// iterators aside).
class Value {
 public:
  /// Undefined without a name.
  Value() = default;

  /// An undefined value; `message` is what using it says, such as `'x' is undefined`.
  static Value undefined(std::string message);
  static Value none(Tag tag = kTemplateTag) { return Value(Kind::kNone, tag); }
  static Value boolean(bool value, Tag tag = kTemplateTag);
  static Value integer(std::int64_t value, Tag tag = kTemplateTag);
  static Value real(double value, Tag tag = kTemplateTag);
  static Value text(Text value);
  static Value text(std::string_view bytes, Tag tag = kTemplateTag) {
    return text(Text(std::string(bytes), tag));
  }
  /// Throws `Error` where lists are nested too deeply; so do `tuple`, `dict` and `view`.
  static Value list(std::vector<Value> items, Tag tag = kTemplateTag);
  static Value tuple(std::vector<Value> items, Tag tag = kTemplateTag);
  /// Later values of an equal key replace earlier ones, in the place of the first.
  static Value dict(std::vector<std::pair<Value, Value>> items, Tag tag = kTemplateTag);
  static Value range(std::int64_t start, std::int64_t stop, std::int64_t step);
  /// What a generator would give, made by `items` when it is first gone through. `depth` bounds
  /// that of each item.
  static Value iterator(int depth, std::function<std::vector<Value>()> items);
  template <typename Object>
  static Value object(Kind kind, std::shared_ptr<Object> object) {
    Value value(kind, kTemplateTag);
    value.object_ = std::move(object);
    return value;
  }
  static Value function(std::string_view name);

  Kind kind() const { return kind_; }
  bool is(Kind kind) const { return kind_ == kind; }
  bool is_undefined() const { return kind_ == Kind::kUndefined; }
  bool is_text() const { return kind_ == Kind::kText; }
  /// An int, or a bool, which Python counts as one.
  bool is_integral() const { return kind_ == Kind::kInt || kind_ == Kind::kBool; }
  bool is_number() const { return is_integral() || kind_ == Kind::kFloat; }
  bool is_sequence() const { return kind_ == Kind::kList || kind_ == Kind::kTuple; }

  /// Where the value came from; a text knows it for each of its characters instead.
  Tag tag() const { return tag_; }

  bool as_bool() const { return integer_ != 0; }
  std::int64_t as_int() const { return integer_; }
  double as_double() const { return kind_ == Kind::kFloat ? real_ : static_cast<double>(integer_); }
  const Text& as_text() const { return *static_cast<const Text*>(object_.get()); }
  const std::string& bytes() const { return as_text().bytes(); }
  const std::vector<Value>& items() const;
  const Dict& as_dict() const { return *static_cast<const Dict*>(object_.get()); }
  const Range& as_range() const { return *static_cast<const Range*>(object_.get()); }
  const View& as_view() const { return *static_cast<const View*>(object_.get()); }
  Iterator& as_iterator() const { return *static_cast<Iterator*>(object_.get()); }
  Namespace& as_namespace() const { return *static_cast<Namespace*>(object_.get()); }
  Loop& as_loop() const { return *static_cast<Loop*>(object_.get()); }
  const Macro& as_macro() const { return *static_cast<const Macro*>(object_.get()); }
  const Method& as_method() const { return *static_cast<const Method*>(object_.get()); }
  /// What a global function is called.
  const std::string& function_name() const {
    return *static_cast<const std::string*>(object_.get());
  }
  /// What is said where an undefined value is used.
  std::string undefined_message() const;

  /// The same object in memory, or an equal None, bool or small int: Python's `is`.
  bool same_as(const Value& other) const;
  const void* address() const { return object_.get(); }

  /// How deeply lists and dicts are nested in it; 0 for what holds no values.
  int depth() const;

  /// What Python's `type(x).__name__` says.
  std::string_view type_name() const;

 private:
  Value(Kind kind, Tag tag) : kind_(kind), tag_(tag) {}

  Kind kind_ = Kind::kUndefined;
  Tag tag_ = kTemplateTag;
  union {
    std::int64_t integer_ = 0;
    double real_;
  };
  std::shared_ptr<void> object_;
};

struct List {
  std::vector<Value> items;
  int depth = 1;
};

struct Dict {
  std::vector<std::pair<Value, Value>> items;
  int depth = 1;

  /// The value of `key`, which must be hashable, or nullptr.
  const Value* find(const Value& key) const;
  const Value* find(std::string_view key) const;

  /// Adds or replaces.
  void set(Value key, Value value);

 private:
  std::ptrdiff_t index_of(const Value& key) const;
  std::ptrdiff_t index_of(std::string_view key) const;

  std::unordered_map<std::string, std::size_t> index_;  // of text keys, once there are many
};

struct Range {
  std::int64_t start = 0;
  std::int64_t stop = 0;
  std::int64_t step = 1;

  std::int64_t size() const;
  /// The element `index`, which must be one.
  std::int64_t at(std::int64_t index) const {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(start) +
                                     static_cast<std::uint64_t>(index) *
                                         static_cast<std::uint64_t>(step));
  }
};

struct View {
  enum class What { kKeys, kValues, kItems };
  Value dict;
  What what = What::kKeys;
};

struct Iterator {
  std::vector<Value> items;
  std::size_t next = 0;
  std::function<std::vector<Value>()> make;  // gives the items, until it was called
  int depth = 1;

  /// Makes the items if they are not made yet.
  void start() {
    if (make) items = std::exchange(make, nullptr)();
  }
};

struct Namespace {
  Dict attributes;
};

struct Method {
  Value self;
  std::string name;
};

/// How deeply values may be nested.
inline constexpr int kMaxValueDepth = 400;

/// Python's truth of a value.
bool truth(const Value& value);

/// Whether it may be a key of a dict: what Python can hash, but tuples only if they are short and
/// hold no tuples.
bool hashable(const Value& value);

/// Number of items or characters; nullopt-like -1 where Python's len() refuses.
std::int64_t length_of(const Value& value);

}  // namespace hone::jinja
