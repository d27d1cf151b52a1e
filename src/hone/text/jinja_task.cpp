#include <algorithm>
#include <utility>
#include <vector>

#include <hone/base/error.h>
#include <hone/text/jinja_loop.h>
#include <hone/text/jinja_operators.h>
#include <hone/text/jinja_task.h>

namespace hone::jinja {
namespace {

/// One item of a list or character of a text, drawn by the render's seed.
Value choice(Runtime& runtime, const Value& value, const CallArguments& arguments) {
  const Bound bound("choice", arguments, {});
  const auto items = iterate(runtime, value);
  if (items.empty()) fail("choice: there is nothing to choose from");
  return items[static_cast<std::size_t>(runtime.draw(items.size()))];
}

/// Those items that no other outnumbers, in the order in which they come first; None of none.
Value most_frequent(Runtime& runtime, const Value& value, const CallArguments& arguments) {
  const Bound bound("most_frequent", arguments, {});
  std::vector<std::pair<Value, std::size_t>> counts;
  std::size_t most = 0;
  for (const Value& item : iterate(runtime, value)) {
    runtime.step(static_cast<std::int64_t>(counts.size()));
    auto found = std::ranges::find_if(
        counts, [&](const auto& entry) { return equal(runtime, entry.first, item); });
    if (found == counts.end()) found = counts.insert(counts.end(), {item, 0});
    most = std::max(most, ++found->second);
  }
  if (counts.empty()) return Value::none();
  std::vector<Value> result;
  for (const auto& [item, count] : counts) {
    if (count == most) result.push_back(item);
  }
  return Value::list(std::move(result));
}

}  // namespace

Filter task_filter(std::string_view name) {
  if (name == "choice") return choice;
  if (name == "most_frequent") return most_frequent;
  return nullptr;
}

Value zip(Runtime& runtime, const CallArguments& arguments) {
  if (!arguments.keywords.empty()) fail("zip() takes no keyword arguments");
  std::vector<std::vector<Value>> columns;
  std::size_t rows = 0;
  int depth = 0;
  for (const Value& argument : arguments.positional) {
    columns.push_back(iterate(runtime, argument));
    rows = columns.size() == 1 ? columns[0].size() : std::min(rows, columns.back().size());
    depth = std::max(depth, argument.depth());
  }
  runtime.make_items(static_cast<std::int64_t>(rows * columns.size()));
  return Value::iterator(depth + 1, [columns = std::move(columns), rows] {
    std::vector<Value> tuples;
    for (std::size_t row = 0; row < rows; ++row) {
      std::vector<Value> items;
      for (const auto& column : columns) items.push_back(column[row]);
      tuples.push_back(Value::tuple(std::move(items)));
    }
    return tuples;
  });
}

}  // namespace hone::jinja
