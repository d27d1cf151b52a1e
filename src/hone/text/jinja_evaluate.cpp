// The interpreter's expressions.
#include <algorithm>

#include <hone/base/error.h>
#include <hone/text/jinja_deeper.h>
#include <hone/text/jinja_filters.h>
#include <hone/text/jinja_interpreter.h>
#include <hone/text/jinja_operators.h>

namespace hone::jinja {

Value Interpreter::evaluate(const Expression& expression, Scope& scope) {
  const Deeper deeper(*this);
  runtime_.step();
  line_ = expression.line;
  switch (expression.kind) {
    case Expression::Kind::kConstant:
      return expression.constant;
    case Expression::Kind::kName:
      return evaluate_name(expression, scope);
    case Expression::Kind::kTuple:
      return Value::tuple(evaluate_all(expression.children, scope));
    case Expression::Kind::kList:
      return Value::list(evaluate_all(expression.children, scope));
    case Expression::Kind::kDict:
      return evaluate_dict(expression, scope);
    case Expression::Kind::kSlice:
      return evaluate_slice(expression, scope);
    case Expression::Kind::kCall:
      return evaluate_call(expression, scope, nullptr);
    case Expression::Kind::kFilter:
    case Expression::Kind::kTest:
      return evaluate_filter(expression, scope);
    case Expression::Kind::kCompare:
      return evaluate_compare(expression, scope);
    case Expression::Kind::kConcat:
      return evaluate_concat(expression, scope);
    case Expression::Kind::kConditional:
      return evaluate_conditional(expression, scope);
    default:
      return evaluate_inner(expression, scope);
  }
}

/// Expressions with one operand, or two of which the second may wait.
Value Interpreter::evaluate_inner(const Expression& expression, Scope& scope) {
  Value first = evaluate(*expression.children[0], scope);
  switch (expression.kind) {
    case Expression::Kind::kAttribute:
      line_ = expression.line;
      return attribute_of(runtime_, first, expression.name);
    case Expression::Kind::kNot:
      return Value::boolean(!truth(first));
    case Expression::Kind::kNegative:
      return negative(first);
    case Expression::Kind::kPositive:
      return positive(first);
    case Expression::Kind::kAnd:
      return truth(first) ? evaluate(*expression.children[1], scope) : first;
    case Expression::Kind::kOr:
      return truth(first) ? first : evaluate(*expression.children[1], scope);
    default:
      break;
  }
  const Value second = evaluate(*expression.children[1], scope);
  line_ = expression.line;
  if (expression.kind == Expression::Kind::kItem) return item_of(runtime_, first, second);
  return arithmetic(runtime_, expression.op, first, second);
}

Value Interpreter::evaluate_name(const Expression& expression, Scope& scope) {
  if (const Value* value = scope.find(expression.symbol)) return *value;
  return Value::undefined(
      concat("'", program_.names[static_cast<std::size_t>(expression.symbol)], "' is undefined"));
}

std::vector<Value> Interpreter::evaluate_all(const std::vector<ExpressionPtr>& expressions,
                                             Scope& scope) {
  std::vector<Value> values;
  for (const auto& expression : expressions) values.push_back(evaluate(*expression, scope));
  return values;
}

Value Interpreter::evaluate_dict(const Expression& expression, Scope& scope) {
  std::vector<std::pair<Value, Value>> items;
  for (std::size_t i = 0; i < expression.children.size(); i += 2) {
    Value key = evaluate(*expression.children[i], scope);
    items.emplace_back(std::move(key), evaluate(*expression.children[i + 1], scope));
  }
  line_ = expression.line;
  return Value::dict(std::move(items));
}

Value Interpreter::evaluate_slice(const Expression& expression, Scope& scope) {
  std::vector<Value> parts(4);
  for (std::size_t i = 0; i < 4; ++i) {
    if (expression.children[i]) parts[i] = evaluate(*expression.children[i], scope);
  }
  line_ = expression.line;
  const auto part = [&](std::size_t i) { return expression.children[i] ? &parts[i] : nullptr; };
  return slice_of(runtime_, parts[0], part(1), part(2), part(3));
}

Value Interpreter::evaluate_compare(const Expression& expression, Scope& scope) {
  Value left = evaluate(*expression.children[0], scope);
  for (std::size_t i = 0; i < expression.operators.size(); ++i) {
    Value right = evaluate(*expression.children[i + 1], scope);
    line_ = expression.line;
    if (!compare(runtime_, expression.operators[i], left, right)) return Value::boolean(false);
    left = std::move(right);
  }
  return Value::boolean(true);
}

Value Interpreter::evaluate_concat(const Expression& expression, Scope& scope) {
  std::vector<Text> texts;
  for (const Value& value : evaluate_all(expression.children, scope))
    texts.push_back(to_text(runtime_, value));
  return Value::text(join_texts(runtime_, Text(), texts));
}

Value Interpreter::evaluate_conditional(const Expression& expression, Scope& scope) {
  if (truth(evaluate(*expression.children[1], scope)))
    return evaluate(*expression.children[0], scope);
  if (expression.children[2]) return evaluate(*expression.children[2], scope);
  return Value::undefined(concat("the inline if-expression on line ", expression.line,
                                 " evaluated to false and no else section was defined."));
}

Value Interpreter::evaluate_filter(const Expression& expression, Scope& scope) {
  const Value value =
      expression.children[0] ? evaluate(*expression.children[0], scope) : Value::text(*filtered_);
  const CallArguments arguments = evaluate_arguments(expression.arguments, scope);
  line_ = expression.line;
  if (expression.kind == Expression::Kind::kFilter)
    return apply_filter(runtime_, expression.name, value, arguments);
  return Value::boolean(apply_test(runtime_, expression.name, value, arguments));
}

Value Interpreter::evaluate_call(const Expression& expression, Scope& scope, const Value* caller) {
  const Value callee = evaluate(*expression.children[0], scope);
  CallArguments arguments = evaluate_arguments(expression.arguments, scope);
  if (caller != nullptr) arguments.keywords.emplace_back("caller", *caller);
  line_ = expression.line;
  return call(callee, std::move(arguments));
}

CallArguments Interpreter::evaluate_arguments(const Arguments& arguments, Scope& scope) {
  CallArguments values;
  values.positional = evaluate_all(arguments.positional, scope);
  for (const auto& [name, expression] : arguments.keywords)
    values.keywords.emplace_back(name, evaluate(*expression, scope));
  if (arguments.star) {
    for (Value& value : iterate(runtime_, evaluate(*arguments.star, scope)))
      values.positional.push_back(std::move(value));
  }
  if (!arguments.double_star) return values;
  const Value named = evaluate(*arguments.double_star, scope);
  if (!named.is(Kind::kDict)) fail("argument after ** must be a mapping, not ", named.type_name());
  for (const auto& [key, value] : named.as_dict().items) {
    const std::string& name = text_argument(key, "a keyword").bytes();
    runtime_.step(static_cast<std::int64_t>(values.keywords.size()));
    if (std::ranges::any_of(values.keywords,
                            [&](const auto& keyword) { return keyword.first == name; })) {
      fail("several values for keyword argument '", name, "'");
    }
    values.keywords.emplace_back(name, value);
  }
  return values;
}

}  // namespace hone::jinja
