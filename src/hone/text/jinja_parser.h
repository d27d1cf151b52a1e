// Template source to its parsed form.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hone/text/jinja_ast.h>
#include <hone/text/jinja_lexer.h>

namespace hone::jinja {

/// Parses `source` with the statements that chat templates use. Throws `Error` starting with
/// `place:line` for what Jinja refuses, for `block`, `extends`, `include`, `import` and
/// `autoescape`, and for nesting beyond a fixed depth.
Program parse(std::string_view source,
              const std::string& place,
              Environment environment = Environment::kChat);

/// The recursive descent behind `parse`; expressions and statements are in a source file each.
class Parser {
 public:
  Parser(std::string_view source, const std::string& place, Environment environment);

  Program run();

 private:
  /// One more level of nesting while it lives.
  class Nested {
   public:
    explicit Nested(Parser& parser);
    ~Nested();
    Nested(const Nested&) = delete;
    Nested& operator=(const Nested&) = delete;

   private:
    Parser& parser_;
  };

  // Tokens.
  const Token& current() const { return tokens_[at_]; }
  const Token& look() const { return tokens_[at_ + 1 < tokens_.size() ? at_ + 1 : at_]; }
  Token take();
  bool is_operator(std::string_view text) const;
  bool is_name(std::string_view text) const;
  bool skip_operator(std::string_view text);
  bool skip_name(std::string_view text);
  void expect_operator(std::string_view text);
  void expect_name(std::string_view text);
  std::string expect_any_name();
  void expect_block_end();
  [[noreturn]] void error(std::string_view what) const;
  [[noreturn]] void error_at(int line, std::string_view what) const;
  std::string describe(const Token& token) const;
  Symbol symbol(const std::string& name);

  // Statements.
  Block parse_body(const std::vector<std::string_view>& ends);
  Block parse_block_until(const std::vector<std::string_view>& ends, bool drop_end);
  void parse_statement(Block& body);
  Statement parse_if();
  Statement parse_for();
  Statement parse_set();
  Statement parse_macro();
  Statement parse_call_block();
  Statement parse_filter_block();
  Statement parse_with();
  Statement parse_generation();
  Statement parse_print();
  Statement parse_loop_control();
  void parse_signature(Statement& statement);
  void find_special_names(Statement& statement);
  Statement start(Statement::Kind kind);
  /// Runs `parse` as the body of a function of its own, in which no outer loop can be left.
  Block parse_function_body(std::string_view end);

  // Expressions.
  ExpressionPtr parse_expression(bool conditional = true);
  ExpressionPtr parse_conditional();
  ExpressionPtr parse_or();
  ExpressionPtr parse_and();
  ExpressionPtr parse_not();
  ExpressionPtr parse_compare();
  ExpressionPtr parse_sum();
  ExpressionPtr parse_concat();
  ExpressionPtr parse_product();
  ExpressionPtr parse_power();
  ExpressionPtr parse_unary(bool with_filter = true);
  ExpressionPtr parse_primary(bool with_namespace = false);
  ExpressionPtr parse_name(bool with_namespace);
  ExpressionPtr parse_string();
  ExpressionPtr parse_list();
  ExpressionPtr parse_dict();
  ExpressionPtr parse_postfix(ExpressionPtr node);
  ExpressionPtr parse_filters(ExpressionPtr node);
  ExpressionPtr parse_filter(ExpressionPtr node);
  ExpressionPtr parse_test(ExpressionPtr node);
  ExpressionPtr parse_attribute(ExpressionPtr node);
  ExpressionPtr parse_subscript(ExpressionPtr node);
  ExpressionPtr parse_slice(ExpressionPtr node, ExpressionPtr start);
  ExpressionPtr parse_call(ExpressionPtr node);
  Arguments parse_arguments();
  void parse_argument(Arguments& arguments);
  std::string parse_dotted_name();
  struct TupleRules {
    bool targets = false;         // names and literals only
    bool with_namespace = false;  // targets may be namespace attributes
    bool conditional = true;      // items may be a if b
    bool parentheses = false;     // an empty tuple is allowed
    std::string_view end = {};    // a name that ends it
  };
  ExpressionPtr parse_tuple(const TupleRules& rules);
  bool is_tuple_end(std::string_view end_name) const;
  ExpressionPtr parse_target(const TupleRules& rules);
  void check_target(const Expression& target) const;
  /// The expressions as a list, which they move into.
  template <typename... Each>
  static std::vector<ExpressionPtr> nodes(Each... each) {
    std::vector<ExpressionPtr> list;
    (list.push_back(std::move(each)), ...);
    return list;
  }
  ExpressionPtr make(Expression::Kind kind, int line, std::vector<ExpressionPtr> children);
  int argument_depth(const Arguments& arguments) const;
  void check_depth(const Expression& node) const;

  std::string place_;
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  int nesting_ = 0;
  int loops_ = 0;  // loops that a break here could leave
  Program program_;
  std::map<std::string, Symbol, std::less<>> symbols_;
};

}  // namespace hone::jinja
