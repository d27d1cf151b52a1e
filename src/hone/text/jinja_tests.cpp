// The tests: value is name(...).
#include <algorithm>
#include <map>

#include <hone/base/error.h>
#include <hone/text/jinja_filters.h>
#include <hone/text/jinja_operators.h>

namespace hone::jinja {
namespace {

bool is_sequence(const Value& value) {
  return value.is_text() || value.is_sequence() || value.is(Kind::kDict) ||
         value.is(Kind::kRange) || value.is_undefined();
}

bool is_iterable(const Value& value) {
  return is_sequence(value) || value.is(Kind::kView) || value.is(Kind::kIterator) ||
         value.is(Kind::kLoop);
}

bool is_callable(const Value& value) {
  return value.is(Kind::kMacro) || value.is(Kind::kFunction) || value.is(Kind::kMethod) ||
         value.is(Kind::kLoop) || value.is_undefined();
}

/// The remainder of value % divisor is zero, or `rest`.
bool has_rest(Runtime& runtime, const Value& value, const Value& divisor, std::int64_t rest) {
  return equal(runtime, arithmetic(runtime, Operator::kModulo, value, divisor),
               Value::integer(rest));
}

/// A question about the value alone.
using Question = bool (*)(const Value&);

const std::map<std::string_view, Question>& questions() {
  static const std::map<std::string_view, Question> table = {
      {"boolean", [](const Value& v) { return v.is(Kind::kBool); }},
      {"callable", is_callable},
      {"defined", [](const Value& v) { return !v.is_undefined(); }},
      {"escaped", [](const Value& v) { return v.is_text() && v.as_text().markup; }},
      {"false", [](const Value& v) { return v.is(Kind::kBool) && !v.as_bool(); }},
      {"float", [](const Value& v) { return v.is(Kind::kFloat); }},
      {"integer", [](const Value& v) { return v.is(Kind::kInt); }},
      {"iterable", is_iterable},
      {"mapping", [](const Value& v) { return v.is(Kind::kDict); }},
      {"none", [](const Value& v) { return v.is(Kind::kNone); }},
      {"number", [](const Value& v) { return v.is_number(); }},
      {"sequence", is_sequence},
      {"string", [](const Value& v) { return v.is_text(); }},
      {"true", [](const Value& v) { return v.is(Kind::kBool) && v.as_bool(); }},
      {"undefined", [](const Value& v) { return v.is_undefined(); }},
  };
  return table;
}

/// Tests that compare the value with one argument, under all their names.
const std::map<std::string_view, Operator>& comparisons() {
  static const std::map<std::string_view, Operator> table = {
      {"!=", Operator::kNotEqual},
      {"<", Operator::kLess},
      {"<=", Operator::kLessEqual},
      {"==", Operator::kEqual},
      {">", Operator::kGreater},
      {">=", Operator::kGreaterEqual},
      {"eq", Operator::kEqual},
      {"equalto", Operator::kEqual},
      {"ge", Operator::kGreaterEqual},
      {"gt", Operator::kGreater},
      {"greaterthan", Operator::kGreater},
      {"in", Operator::kIn},
      {"le", Operator::kLessEqual},
      {"lessthan", Operator::kLess},
      {"lt", Operator::kLess},
      {"ne", Operator::kNotEqual},
  };
  return table;
}

constexpr std::string_view kOthers[] = {"divisibleby", "even",   "filter", "lower",
                                        "odd",         "sameas", "test",   "upper"};

bool other_test(Runtime& runtime,
                std::string_view name,
                const Value& value,
                const CallArguments& arguments) {
  if (name == "divisibleby") {
    const Bound bound(name, arguments, {"num"}, 1);
    return has_rest(runtime, value, bound[0], 0);
  }
  if (name == "sameas") {
    const Bound bound(name, arguments, {"other"}, 1);
    return value.same_as(bound[0]);
  }
  const Bound bound(name, arguments, {});
  if (name == "even" || name == "odd")
    return has_rest(runtime, value, Value::integer(2), name == "odd" ? 1 : 0);
  if (name == "lower" || name == "upper")
    return has_case(to_text(runtime, value).bytes(), name == "upper");
  if (!hashable(value)) fail("unhashable type: '", value.type_name(), "'");
  if (!value.is_text()) return false;
  return name == "filter" ? has_filter(value.bytes(), runtime.environment())
                          : has_test(value.bytes());
}

}  // namespace

bool has_test(std::string_view name) {
  return questions().count(name) != 0 || comparisons().count(name) != 0 ||
         std::find(std::begin(kOthers), std::end(kOthers), name) != std::end(kOthers);
}

bool apply_test(Runtime& runtime,
                std::string_view name,
                const Value& value,
                const CallArguments& arguments) {
  runtime.step();
  if (const auto question = questions().find(name); question != questions().end()) {
    const Bound bound(name, arguments, {});
    return question->second(value);
  }
  if (const auto comparison = comparisons().find(name); comparison != comparisons().end()) {
    const Bound bound(name, arguments, {"other"}, 1);
    return compare(runtime, comparison->second, value, bound[0]);
  }
  if (!has_test(name)) fail("no test named '", name, "' is supported");
  return other_test(runtime, name, value, arguments);
}

}  // namespace hone::jinja
