// Operands: names, literals, brackets, and what may stand behind them.
#include <algorithm>

#include <hone/base/error.h>
#include <hone/text/jinja_parser.h>

namespace hone::jinja {
namespace {

using Form = Expression::Kind;

}  // namespace

ExpressionPtr Parser::parse_primary(bool with_namespace) {
  const Token& token = current();
  if (token.kind == Token::Kind::kName) return parse_name(with_namespace);
  if (token.kind == Token::Kind::kString) return parse_string();
  if (token.kind == Token::Kind::kNumber) {
    auto node = make(Form::kConstant, token.line, {});
    node->constant = take().number;
    return node;
  }
  if (is_operator("(")) {
    take();
    TupleRules rules;
    rules.parentheses = true;
    auto node = parse_tuple(rules);
    expect_operator(")");
    return node;
  }
  if (is_operator("[")) return parse_list();
  if (is_operator("{")) return parse_dict();
  error(concat("unexpected ", describe(token)));
}

ExpressionPtr Parser::parse_name(bool with_namespace) {
  const Token token = take();
  const std::string& name = token.text;
  auto node = make(Form::kConstant, token.line, {});
  if (name == "true" || name == "True" || name == "false" || name == "False") {
    node->constant = Value::boolean(name == "true" || name == "True");
  } else if (name == "none" || name == "None") {
    node->constant = Value::none();
  } else {
    node->symbol = symbol(name);
    node->kind = Form::kName;
    if (with_namespace && skip_operator(".")) {
      node->kind = Form::kNamespaceAttribute;
      node->name = expect_any_name();
    }
  }
  return node;
}

ExpressionPtr Parser::parse_string() {
  auto node = make(Form::kConstant, current().line, {});
  std::string text;
  while (current().kind == Token::Kind::kString) text += take().text;
  node->constant = Value::text(text);
  return node;
}

bool Parser::is_tuple_end(std::string_view end_name) const {
  const Token& token = current();
  if (token.kind == Token::Kind::kVariableEnd || token.kind == Token::Kind::kBlockEnd ||
      is_operator(")"))
    return true;
  return !end_name.empty() && is_name(end_name);
}

ExpressionPtr Parser::parse_tuple(const TupleRules& rules) {
  int line = current().line;
  std::vector<ExpressionPtr> items;
  bool is_tuple = false;
  while (true) {
    if (!items.empty()) expect_operator(",");
    if (is_tuple_end(rules.end)) break;
    if (rules.targets) {
      const Nested nested(*this);
      items.push_back(parse_primary(rules.with_namespace));
    } else {
      items.push_back(parse_expression(rules.conditional));
    }
    if (!is_operator(",")) break;
    is_tuple = true;
    line = current().line;
  }
  if (!is_tuple) {
    if (!items.empty()) return std::move(items[0]);
    if (!rules.parentheses) error(concat("expected an expression, got ", describe(current())));
  }
  return make(Form::kTuple, line, std::move(items));
}

ExpressionPtr Parser::parse_list() {
  const int line = take().line;
  std::vector<ExpressionPtr> items;
  while (!is_operator("]")) {
    if (!items.empty()) expect_operator(",");
    if (is_operator("]")) break;
    items.push_back(parse_expression());
  }
  expect_operator("]");
  return make(Form::kList, line, std::move(items));
}

ExpressionPtr Parser::parse_dict() {
  const int line = take().line;
  std::vector<ExpressionPtr> items;
  while (!is_operator("}")) {
    if (!items.empty()) expect_operator(",");
    if (is_operator("}")) break;
    items.push_back(parse_expression());
    expect_operator(":");
    items.push_back(parse_expression());
  }
  expect_operator("}");
  return make(Form::kDict, line, std::move(items));
}

ExpressionPtr Parser::parse_postfix(ExpressionPtr node) {
  while (true) {
    if (is_operator(".")) {
      node = parse_attribute(std::move(node));
    } else if (is_operator("[")) {
      node = parse_subscript(std::move(node));
    } else if (is_operator("(")) {
      node = parse_call(std::move(node));
    } else {
      return node;
    }
  }
}

ExpressionPtr Parser::parse_filters(ExpressionPtr node) {
  while (true) {
    if (is_operator("|")) {
      take();
      node = parse_filter(std::move(node));
    } else if (is_name("is")) {
      node = parse_test(std::move(node));
    } else if (is_operator("(")) {
      node = parse_call(std::move(node));
    } else {
      return node;
    }
  }
}

ExpressionPtr Parser::parse_attribute(ExpressionPtr node) {
  const int line = take().line;
  const Token token = take();
  if (token.kind == Token::Kind::kName) {
    auto made = make(Form::kAttribute, line, nodes(std::move(node)));
    made->name = token.text;
    return made;
  }
  if (token.kind != Token::Kind::kNumber || !token.number.is(Kind::kInt)) {
    error_at(token.line, "expected a name or a number behind \".\"");
  }
  auto index = make(Form::kConstant, token.line, {});
  index->constant = token.number;
  return make(Form::kItem, line, nodes(std::move(node), std::move(index)));
}

ExpressionPtr Parser::parse_subscript(ExpressionPtr node) {
  const int line = take().line;
  std::vector<ExpressionPtr> items;
  while (!is_operator("]")) {
    if (!items.empty()) expect_operator(",");
    ExpressionPtr item = is_operator(":") ? nullptr : parse_expression();
    if (is_operator(":")) {
      if (!items.empty()) error("a slice beside other subscripts is not supported");
      auto slice = parse_slice(std::move(node), std::move(item));
      expect_operator("]");
      return slice;
    }
    items.push_back(std::move(item));
  }
  expect_operator("]");
  auto index = items.size() == 1 ? std::move(items[0]) : make(Form::kTuple, line, std::move(items));
  return make(Form::kItem, line, nodes(std::move(node), std::move(index)));
}

ExpressionPtr Parser::parse_slice(ExpressionPtr node, ExpressionPtr start) {
  const int line = take().line;  // ":"
  auto children = nodes(std::move(node), std::move(start));
  const auto at_end = [this] { return is_operator(":") || is_operator("]") || is_operator(","); };
  children.push_back(at_end() ? nullptr : parse_expression());
  children.push_back(skip_operator(":") && !at_end() ? parse_expression() : nullptr);
  return make(Form::kSlice, line, std::move(children));
}

ExpressionPtr Parser::parse_call(ExpressionPtr node) {
  auto made = make(Form::kCall, current().line, nodes(std::move(node)));
  made->arguments = parse_arguments();
  made->depth = std::max(made->depth, argument_depth(made->arguments) + 1);
  check_depth(*made);
  return made;
}

Arguments Parser::parse_arguments() {
  expect_operator("(");
  Arguments arguments;
  bool more = false;
  while (!is_operator(")")) {
    if (more) {
      expect_operator(",");
      if (is_operator(")")) break;
    }
    parse_argument(arguments);
    more = true;
  }
  expect_operator(")");
  return arguments;
}

void Parser::parse_argument(Arguments& arguments) {
  const auto ensure = [this](bool ordered) {
    if (!ordered) error("arguments of a call are out of order");
  };
  if (skip_operator("*")) {
    ensure(!arguments.star && !arguments.double_star);
    arguments.star = parse_expression();
  } else if (skip_operator("**")) {
    ensure(!arguments.double_star);
    arguments.double_star = parse_expression();
  } else if (current().kind == Token::Kind::kName && look().kind == Token::Kind::kOperator &&
             look().text == "=") {
    ensure(!arguments.double_star);
    std::string name = take().text;
    take();
    for (const auto& [other, value] : arguments.keywords) {
      if (other == name) error(concat("keyword argument \"", name, "\" is repeated"));
    }
    arguments.keywords.emplace_back(std::move(name), parse_expression());
  } else {
    ensure(!arguments.star && !arguments.double_star && arguments.keywords.empty());
    arguments.positional.push_back(parse_expression());
  }
}

std::string Parser::parse_dotted_name() {
  std::string name = expect_any_name();
  while (skip_operator(".")) {
    name += '.';
    name += expect_any_name();
  }
  return name;
}

ExpressionPtr Parser::parse_filter(ExpressionPtr node) {
  const int line = current().line;
  std::string name = parse_dotted_name();
  auto made = make(Form::kFilter, line, nodes(std::move(node)));
  made->name = std::move(name);
  if (is_operator("(")) made->arguments = parse_arguments();
  made->depth = std::max(made->depth, argument_depth(made->arguments) + 1);
  check_depth(*made);
  return made;
}

ExpressionPtr Parser::parse_test(ExpressionPtr node) {
  const int line = take().line;  // is
  const bool negated = skip_name("not");
  std::string name = parse_dotted_name();
  auto made = make(Form::kTest, line, nodes(std::move(node)));
  made->name = std::move(name);
  const Token& token = current();
  const bool operand = token.kind == Token::Kind::kString || token.kind == Token::Kind::kNumber ||
                       token.kind == Token::Kind::kName || is_operator("[") || is_operator("{");
  if (is_operator("(")) {
    made->arguments = parse_arguments();
  } else if (operand && !is_name("else") && !is_name("or") && !is_name("and")) {
    if (is_name("is")) error("tests cannot be chained with \"is\"");
    made->arguments.positional.push_back(parse_postfix(parse_primary()));
  }
  made->depth = std::max(made->depth, argument_depth(made->arguments) + 1);
  check_depth(*made);
  return negated ? make(Form::kNot, line, nodes(std::move(made))) : std::move(made);
}

}  // namespace hone::jinja
