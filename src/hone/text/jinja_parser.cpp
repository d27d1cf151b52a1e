#include <algorithm>

#include <hone/base/error.h>
#include <hone/text/jinja_names.h>
#include <hone/text/jinja_parser.h>

namespace hone::jinja {
namespace {

/// Levels of brackets, signs and blocks inside each other. Python's own parser stops at 200
/// brackets or 100 blocks.
constexpr int kMaxNesting = 250;

using StatementForm = Statement::Kind;

/// Whether `name` is read anywhere in `expression`.
bool reads(const Expression& expression, Symbol name) {
  if (expression.kind == Expression::Kind::kName && expression.symbol == name) return true;
  const auto in = [name](const ExpressionPtr& node) { return node && reads(*node, name); };
  const Arguments& arguments = expression.arguments;
  return std::ranges::any_of(expression.children, in) ||
         std::ranges::any_of(arguments.positional, in) ||
         std::ranges::any_of(arguments.keywords,
                             [&](const auto& keyword) { return in(keyword.second); }) ||
         in(arguments.star) || in(arguments.double_star);
}

/// Whether `name` is read in `block` or below.
bool reads(const Block& block, Symbol name) {
  return std::ranges::any_of(block, [name](const Statement& statement) {
    return std::ranges::any_of(statement.expressions,
                               [name](const auto& node) { return node && reads(*node, name); }) ||
           std::ranges::any_of(statement.blocks,
                               [name](const Block& inner) { return reads(inner, name); });
  });
}

}  // namespace

Program parse(std::string_view source, const std::string& place, Environment environment) {
  return Parser(source, place, environment).run();
}

Parser::Parser(std::string_view source, const std::string& place, Environment environment)
    : place_(place), tokens_(tokenize(source, place_, environment)) {
  program_.environment = environment;
}

Program Parser::run() {
  program_.loop = symbol("loop");
  program_.caller = symbol("caller");
  program_.kwargs = symbol("kwargs");
  program_.varargs = symbol("varargs");
  program_.body = parse_body({});
  resolve_names(program_, place_);
  return std::move(program_);
}

Parser::Nested::Nested(Parser& parser) : parser_(parser) {
  if (++parser_.nesting_ > kMaxNesting)
    parser_.error(concat("nested more than ", kMaxNesting, " deep"));
}

Parser::Nested::~Nested() {
  --parser_.nesting_;
}

Token Parser::take() {
  Token token = tokens_[at_];
  if (at_ + 1 < tokens_.size()) ++at_;
  return token;
}

bool Parser::is_operator(std::string_view text) const {
  return current().kind == Token::Kind::kOperator && current().text == text;
}

bool Parser::is_name(std::string_view text) const {
  return current().kind == Token::Kind::kName && current().text == text;
}

bool Parser::skip_operator(std::string_view text) {
  if (!is_operator(text)) return false;
  take();
  return true;
}

bool Parser::skip_name(std::string_view text) {
  if (!is_name(text)) return false;
  take();
  return true;
}

void Parser::expect_operator(std::string_view text) {
  if (!skip_operator(text)) error(concat("expected \"", text, "\", got ", describe(current())));
}

void Parser::expect_name(std::string_view text) {
  if (!skip_name(text)) error(concat("expected \"", text, "\", got ", describe(current())));
}

std::string Parser::expect_any_name() {
  if (current().kind != Token::Kind::kName)
    error(concat("expected a name, got ", describe(current())));
  return take().text;
}

void Parser::expect_block_end() {
  if (current().kind != Token::Kind::kBlockEnd)
    error(concat("expected \"%}\", got ", describe(current())));
  take();
}

void Parser::error(std::string_view what) const {
  error_at(current().line, what);
}

void Parser::error_at(int line, std::string_view what) const {
  fail(place_, ":", line, ": ", what);
}

std::string Parser::describe(const Token& token) const {
  switch (token.kind) {
    case Token::Kind::kData:
      return "text";
    case Token::Kind::kVariableBegin:
      return "\"{{\"";
    case Token::Kind::kVariableEnd:
      return "\"}}\"";
    case Token::Kind::kBlockBegin:
      return "\"{%\"";
    case Token::Kind::kBlockEnd:
      return "\"%}\"";
    case Token::Kind::kString:
      return "a string";
    case Token::Kind::kEnd:
      return "the end of the template";
    default:
      return concat("\"", token.text, "\"");
  }
}

Symbol Parser::symbol(const std::string& name) {
  const auto [found, is_new] =
      symbols_.try_emplace(name, static_cast<Symbol>(program_.names.size()));
  if (is_new) program_.names.push_back(name);
  return found->second;
}

Statement Parser::start(Statement::Kind kind) {
  Statement statement;
  statement.kind = kind;
  statement.line = take().line;
  return statement;
}

Block Parser::parse_body(const std::vector<std::string_view>& ends) {
  Block body;
  while (current().kind != Token::Kind::kEnd) {
    const Token token = take();
    if (token.kind == Token::Kind::kData) {
      Statement data;
      data.line = token.line;
      data.data = Text(token.text);
      body.push_back(std::move(data));
    } else if (token.kind == Token::Kind::kVariableBegin) {
      Statement print;
      print.kind = StatementForm::kPrint;
      print.line = token.line;
      print.expressions.push_back(parse_tuple({}));
      if (current().kind != Token::Kind::kVariableEnd)
        error(concat("expected \"}}\", got ", describe(current())));
      take();
      body.push_back(std::move(print));
    } else {
      if (current().kind == Token::Kind::kName &&
          std::ranges::find(ends, current().text) != ends.end())
        return body;
      parse_statement(body);
      expect_block_end();
    }
  }
  return body;
}

Block Parser::parse_block_until(const std::vector<std::string_view>& ends, bool drop_end) {
  skip_operator(":");
  expect_block_end();
  Block body = parse_body(ends);
  if (current().kind == Token::Kind::kEnd) {
    error(concat("the template ends where \"", ends.back(), "\" is missing"));
  }
  if (drop_end) take();
  return body;
}

void Parser::parse_statement(Block& body) {
  const Nested nested(*this);
  if (current().kind != Token::Kind::kName)
    error(concat("expected the name of a tag, got ", describe(current())));
  const std::string& name = current().text;
  if (name == "if") {
    body.push_back(parse_if());
  } else if (name == "for") {
    body.push_back(parse_for());
  } else if (name == "set") {
    body.push_back(parse_set());
  } else if (name == "macro") {
    body.push_back(parse_macro());
  } else if (name == "call") {
    body.push_back(parse_call_block());
  } else if (name == "filter") {
    body.push_back(parse_filter_block());
  } else if (name == "with") {
    body.push_back(parse_with());
  } else if (name == "generation") {
    body.push_back(parse_generation());
  } else if (name == "print") {
    body.push_back(parse_print());
  } else if (name == "break" || name == "continue") {
    body.push_back(parse_loop_control());
  } else {
    error(concat("the tag \"", name, "\" is unknown, misplaced or not supported"));
  }
}

Statement Parser::parse_if() {
  Statement statement = start(StatementForm::kIf);
  while (true) {
    TupleRules rules;
    rules.conditional = false;
    statement.expressions.push_back(parse_tuple(rules));
    statement.blocks.push_back(parse_block_until({"elif", "else", "endif"}, false));
    const std::string end = take().text;
    if (end == "elif") continue;
    if (end == "else") statement.blocks.push_back(parse_block_until({"endif"}, true));
    return statement;
  }
}

Statement Parser::parse_for() {
  Statement statement = start(StatementForm::kFor);
  TupleRules target;
  target.targets = true;
  target.end = "in";
  statement.target = parse_target(target);
  expect_name("in");
  TupleRules iterated;
  iterated.conditional = false;
  iterated.end = "recursive";
  statement.expressions.push_back(parse_tuple(iterated));
  statement.expressions.push_back(skip_name("if") ? parse_expression() : nullptr);
  statement.recursive = skip_name("recursive");
  ++loops_;
  statement.blocks.push_back(parse_block_until({"else", "endfor"}, false));
  --loops_;
  if (take().text == "else") statement.blocks.push_back(parse_block_until({"endfor"}, true));
  return statement;
}

Statement Parser::parse_set() {
  Statement statement = start(StatementForm::kSet);
  TupleRules target;
  target.targets = true;
  target.with_namespace = true;
  statement.target = parse_target(target);
  if (skip_operator("=")) {
    statement.expressions.push_back(parse_tuple({}));
    return statement;
  }
  statement.kind = StatementForm::kSetBlock;
  ExpressionPtr filters;
  while (skip_operator("|")) filters = parse_filter(std::move(filters));
  statement.expressions.push_back(std::move(filters));
  statement.blocks.push_back(parse_block_until({"endset"}, true));
  return statement;
}

Block Parser::parse_function_body(std::string_view end) {
  const int loops = std::exchange(loops_, 0);
  Block body = parse_block_until({end}, true);
  loops_ = loops;
  return body;
}

void Parser::parse_signature(Statement& statement) {
  expect_operator("(");
  while (!is_operator(")")) {
    if (!statement.parameters.empty()) expect_operator(",");
    const Symbol parameter = symbol(expect_any_name());
    if (std::ranges::find(statement.parameters, parameter) != statement.parameters.end()) {
      error("a parameter is repeated");
    }
    if (skip_operator("=")) {
      statement.expressions.push_back(parse_expression());
    } else if (!statement.expressions.empty()) {
      error("a parameter without a default follows one that has a default");
    }
    statement.parameters.push_back(parameter);
  }
  expect_operator(")");
}

/// Notes what a macro's body reads of `caller`, `kwargs` and `varargs`.
void Parser::find_special_names(Statement& statement) {
  const auto wants = [&](Symbol special) {
    return std::ranges::find(statement.parameters, special) == statement.parameters.end() &&
           reads(statement.blocks[0], special);
  };
  statement.reads_caller = wants(program_.caller);
  statement.reads_kwargs = wants(program_.kwargs);
  statement.reads_varargs = wants(program_.varargs);
}

Statement Parser::parse_macro() {
  Statement statement = start(StatementForm::kMacro);
  statement.symbol = symbol(expect_any_name());
  parse_signature(statement);
  statement.blocks.push_back(parse_function_body("endmacro"));
  find_special_names(statement);
  return statement;
}

Statement Parser::parse_call_block() {
  Statement statement = start(StatementForm::kCallBlock);
  if (is_operator("(")) parse_signature(statement);
  auto call = parse_expression();
  if (call->kind != Expression::Kind::kCall)
    error_at(statement.line, "expected a call behind \"call\"");
  statement.expressions.push_back(std::move(call));
  statement.blocks.push_back(parse_function_body("endcall"));
  find_special_names(statement);
  return statement;
}

Statement Parser::parse_filter_block() {
  Statement statement = start(StatementForm::kFilterBlock);
  ExpressionPtr filters = parse_filter(nullptr);
  while (skip_operator("|")) filters = parse_filter(std::move(filters));
  statement.expressions.push_back(std::move(filters));
  statement.blocks.push_back(parse_block_until({"endfilter"}, true));
  return statement;
}

Statement Parser::parse_with() {
  Statement statement = start(StatementForm::kWith);
  while (current().kind != Token::Kind::kBlockEnd) {
    if (!statement.parameters.empty()) expect_operator(",");
    statement.parameters.push_back(symbol(expect_any_name()));
    expect_operator("=");
    statement.expressions.push_back(parse_expression());
  }
  statement.blocks.push_back(parse_block_until({"endwith"}, true));
  return statement;
}

Statement Parser::parse_generation() {
  Statement statement = start(StatementForm::kGeneration);
  program_.has_generation = true;
  statement.blocks.push_back(parse_function_body("endgeneration"));
  return statement;
}

Statement Parser::parse_print() {
  Statement statement = start(StatementForm::kPrint);
  while (current().kind != Token::Kind::kBlockEnd) {
    if (!statement.expressions.empty()) expect_operator(",");
    statement.expressions.push_back(parse_expression());
  }
  return statement;
}

Statement Parser::parse_loop_control() {
  const bool is_break = is_name("break");
  if (loops_ == 0) error("break or continue stands outside of a loop");
  return start(is_break ? StatementForm::kBreak : StatementForm::kContinue);
}

}  // namespace hone::jinja
