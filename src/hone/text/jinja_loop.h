// What a template's variable `loop` and its macros stand for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include <hone/text/jinja_value.h>

namespace hone::jinja {

struct Statement;
class Scope;

/// A running `for`: its items and where it is. With a filter the items are tested one by one, as
/// far as they are needed.
struct Loop {
  std::vector<Value> items;
  std::function<bool()> more;  // appends one more item, false where there is none
  std::size_t index0 = 0;
  int recursion = 0;                          // of a `recursive` loop, from 0
  int depth = 1;                              // nesting of its items, as Value::depth
  const Statement* recursive = nullptr;       // the statement to run again for loop(...)
  Scope* scope = nullptr;                     // where the statement stands
  std::optional<std::vector<Value>> changed;  // what loop.changed saw last

  /// Whether there are `count` items.
  bool has(std::size_t count) {
    while (items.size() < count && more && more()) {
    }
    return items.size() >= count;
  }

  std::int64_t length() {
    while (more && more()) {
    }
    return static_cast<std::int64_t>(items.size());
  }
};

/// A macro, or the body of a `call` block: its statement, and the scope it was defined in.
struct Macro {
  const Statement* statement = nullptr;
  Scope* scope = nullptr;
};

}  // namespace hone::jinja
