#include <algorithm>
#include <optional>

#include <hone/base/error.h>
#include <hone/text/jinja_parser.h>

namespace hone::jinja {
namespace {

/// Of the tree of one expression; Python refuses its own form of deeper ones too.
constexpr int kMaxExpressionDepth = 200;

using Form = Expression::Kind;

std::optional<Operator> comparison(const Token& token) {
  if (token.kind != Token::Kind::kOperator) return std::nullopt;
  if (token.text == "==") return Operator::kEqual;
  if (token.text == "!=") return Operator::kNotEqual;
  if (token.text == "<") return Operator::kLess;
  if (token.text == "<=") return Operator::kLessEqual;
  if (token.text == ">") return Operator::kGreater;
  if (token.text == ">=") return Operator::kGreaterEqual;
  return std::nullopt;
}

}  // namespace

ExpressionPtr Parser::make(Expression::Kind kind, int line, std::vector<ExpressionPtr> children) {
  auto node = std::make_unique<Expression>();
  node->kind = kind;
  node->line = line;
  node->children = std::move(children);
  for (const auto& child : node->children) {
    if (child) node->depth = std::max(node->depth, child->depth + 1);
  }
  check_depth(*node);
  return node;
}

void Parser::check_depth(const Expression& node) const {
  if (node.depth > kMaxExpressionDepth) {
    error_at(node.line, concat("an expression is nested more than ", kMaxExpressionDepth, " deep"));
  }
}

int Parser::argument_depth(const Arguments& arguments) const {
  int depth = 0;
  const auto see = [&depth](const ExpressionPtr& node) {
    if (node) depth = std::max(depth, node->depth);
  };
  for (const auto& node : arguments.positional) see(node);
  for (const auto& [name, node] : arguments.keywords) see(node);
  see(arguments.star);
  see(arguments.double_star);
  return depth;
}

ExpressionPtr Parser::parse_expression(bool conditional) {
  const Nested nested(*this);
  return conditional ? parse_conditional() : parse_or();
}

ExpressionPtr Parser::parse_conditional() {
  int line = current().line;
  auto node = parse_or();
  while (skip_name("if")) {
    auto children = nodes(std::move(node), parse_or());
    children.push_back(nullptr);
    if (skip_name("else")) {
      const Nested nested(*this);
      children.back() = parse_conditional();
    }
    node = make(Form::kConditional, line, std::move(children));
    line = current().line;
  }
  return node;
}

ExpressionPtr Parser::parse_or() {
  int line = current().line;
  auto left = parse_and();
  while (skip_name("or")) {
    auto right = parse_and();
    left = make(Form::kOr, line, nodes(std::move(left), std::move(right)));
    line = current().line;
  }
  return left;
}

ExpressionPtr Parser::parse_and() {
  int line = current().line;
  auto left = parse_not();
  while (skip_name("and")) {
    auto right = parse_not();
    left = make(Form::kAnd, line, nodes(std::move(left), std::move(right)));
    line = current().line;
  }
  return left;
}

ExpressionPtr Parser::parse_not() {
  if (!is_name("not")) return parse_compare();
  const Nested nested(*this);
  const int line = take().line;
  return make(Form::kNot, line, nodes(parse_not()));
}

ExpressionPtr Parser::parse_compare() {
  const int line = current().line;
  std::vector<ExpressionPtr> children = nodes(parse_sum());
  std::vector<Operator> operators;
  while (true) {
    if (const auto op = comparison(current())) {
      take();
      operators.push_back(*op);
    } else if (skip_name("in")) {
      operators.push_back(Operator::kIn);
    } else if (is_name("not") && look().kind == Token::Kind::kName && look().text == "in") {
      take();
      take();
      operators.push_back(Operator::kNotIn);
    } else {
      break;
    }
    children.push_back(parse_sum());
  }
  if (operators.empty()) return std::move(children[0]);
  auto node = make(Form::kCompare, line, std::move(children));
  node->operators = std::move(operators);
  return node;
}

ExpressionPtr Parser::parse_sum() {
  int line = current().line;
  auto left = parse_concat();
  while (is_operator("+") || is_operator("-")) {
    const Operator op = take().text == "+" ? Operator::kAdd : Operator::kSubtract;
    auto right = parse_concat();
    left = make(Form::kBinary, line, nodes(std::move(left), std::move(right)));
    left->op = op;
    line = current().line;
  }
  return left;
}

ExpressionPtr Parser::parse_concat() {
  const int line = current().line;
  auto children = nodes(parse_product());
  while (skip_operator("~")) children.push_back(parse_product());
  if (children.size() == 1) return std::move(children[0]);
  return make(Form::kConcat, line, std::move(children));
}

ExpressionPtr Parser::parse_product() {
  int line = current().line;
  auto left = parse_power();
  while (is_operator("*") || is_operator("/") || is_operator("//") || is_operator("%")) {
    const std::string sign = take().text;
    auto right = parse_power();
    left = make(Form::kBinary, line, nodes(std::move(left), std::move(right)));
    left->op = sign == "*"    ? Operator::kMultiply
               : sign == "/"  ? Operator::kDivide
               : sign == "//" ? Operator::kFloorDivide
                              : Operator::kModulo;
    line = current().line;
  }
  return left;
}

ExpressionPtr Parser::parse_power() {
  int line = current().line;
  auto left = parse_unary();
  while (skip_operator("**")) {
    auto right = parse_unary();
    left = make(Form::kBinary, line, nodes(std::move(left), std::move(right)));
    left->op = Operator::kPower;
    line = current().line;
  }
  return left;
}

ExpressionPtr Parser::parse_unary(bool with_filter) {
  const Nested nested(*this);
  ExpressionPtr node;
  if (is_operator("-") || is_operator("+")) {
    const Token sign = take();
    node = make(sign.text == "-" ? Form::kNegative : Form::kPositive, sign.line,
                nodes(parse_unary(false)));
  } else {
    node = parse_primary();
  }
  node = parse_postfix(std::move(node));
  return with_filter ? parse_filters(std::move(node)) : std::move(node);
}

ExpressionPtr Parser::parse_target(const TupleRules& rules) {
  auto target = parse_tuple(rules);
  check_target(*target);
  return target;
}

void Parser::check_target(const Expression& target) const {
  if (target.kind == Form::kName || target.kind == Form::kNamespaceAttribute) return;
  if (target.kind != Form::kTuple) error_at(target.line, "cannot assign to this");
  for (const auto& item : target.children) check_target(*item);
}

}  // namespace hone::jinja
