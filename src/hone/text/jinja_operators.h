// Python's operators, conversions and subscripts on template values.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include <hone/text/jinja_ast.h>
#include <hone/text/jinja_runtime.h>
#include <hone/text/jinja_value.h>

namespace hone::jinja {

// Every function here throws `Error` where Python raises, without the line, which the interpreter
// adds.

/// a + b and the like; not comparisons.
Value arithmetic(Runtime& runtime, Operator op, const Value& a, const Value& b);
/// The same of two numbers.
Value number_arithmetic(Operator op, const Value& a, const Value& b);
Value negative(const Value& value);
Value positive(const Value& value);

/// a == b.
bool equal(Runtime& runtime, const Value& a, const Value& b);
/// Below, equal or above 0 as a < b, a == b, a > b. `sign` is the operator to name in an error.
/// Values that cannot be ordered although Python compares them (NaN) give nothing.
std::optional<int> order(Runtime& runtime, const Value& a, const Value& b, std::string_view sign);
/// a == b, a < b, a in b and so on.
bool compare(Runtime& runtime, Operator op, const Value& a, const Value& b);
/// item in container.
bool contains(Runtime& runtime, const Value& item, const Value& container);

/// What going through the value gives, in Python's order. An iterator is used up.
std::vector<Value> iterate(Runtime& runtime, const Value& value);

/// container[index] as Jinja sees it: undefined where Python raises a lookup or type error.
Value item_of(Runtime& runtime, const Value& container, const Value& index);
/// container[start:stop:step]; undefined bounds count as absent only where null.
Value slice_of(Runtime& runtime,
               const Value& container,
               const Value* start,
               const Value* stop,
               const Value* step);
/// value.name as Jinja sees it: a method, else an item, else undefined.
Value attribute_of(Runtime& runtime, const Value& value, std::string_view name);

/// str(value).
Text to_text(Runtime& runtime, const Value& value);
/// repr(value).
Text to_repr(Runtime& runtime, const Value& value);
/// A float as Python prints it.
std::string format_float(double value);

/// The value of a hashable `key`, or nullptr.
const Value* look_up(Runtime& runtime, const Dict& dict, const Value& key);

/// A text repeated.
Text repeat(Runtime& runtime, const Text& text, std::int64_t count);
/// `&`, `<`, `>` and quotes as HTML entities.
Text escape_html(Runtime& runtime, const Text& text);
/// a + b of two texts, markup considered.
Text join(Runtime& runtime, const Text& a, const Text& b);

/// The value as an int, for arguments that Python wants integral (an int or bool); `what` names it
/// in the error.
std::int64_t integer_argument(const Value& value, std::string_view what);
/// The value as a text, refused otherwise; `what` names it in the error.
const Text& text_argument(const Value& value, std::string_view what);

}  // namespace hone::jinja
