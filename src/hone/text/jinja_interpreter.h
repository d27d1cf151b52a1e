// Running a parsed template.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hone/text/jinja_ast.h>
#include <hone/text/jinja_loop.h>
#include <hone/text/jinja_methods.h>
#include <hone/text/jinja_runtime.h>
#include <hone/text/jinja_scope.h>

namespace hone::jinja {

/// Runs one template once.
class Interpreter {
 public:
  Interpreter(const Program& program, Runtime& runtime);
  ~Interpreter();
  Interpreter(const Interpreter&) = delete;
  Interpreter& operator=(const Interpreter&) = delete;

  /// The rendered text. Throws `Error` where the template or a limit of the runtime does, without a
  /// place; `line` tells it then.
  Text run(const std::vector<std::pair<std::string, Value>>& inputs);

  /// The line of the template that was run last.
  int line() const { return line_; }

  /// Lengths of the text after each statement outside of macros that wrote to it, ascending.
  const std::vector<std::size_t>& writes() const { return writes_; }

 private:
  enum class Flow { kNormal, kBreak, kContinue };
  class Deeper;

  // Statements.
  Flow execute(const Block& block, Scope& scope);
  Flow execute(const Statement& statement, Scope& scope);
  Flow execute_if(const Statement& statement, Scope& scope);
  Flow execute_inner(const Statement& statement, std::size_t block, Scope& scope);
  void execute_print(const Statement& statement, Scope& scope);
  void execute_for(const Statement& statement, Scope& scope);
  void execute_set(const Statement& statement, Scope& scope);
  Flow execute_set_block(const Statement& statement, Scope& scope);
  Flow execute_filter_block(const Statement& statement, Scope& scope);
  void execute_call_block(const Statement& statement, Scope& scope);
  Flow execute_with(const Statement& statement, Scope& scope);
  void execute_generation(const Statement& statement, Scope& scope);
  Flow run_loop(const Statement& statement, const Value& iterable, Scope& scope, int recursion);
  std::vector<Value> start_loop(const Statement& statement,
                                const Value& iterable,
                                Loop& loop,
                                Scope& scope);
  bool accepts(const Statement& statement, const Value& item, Scope& scope);
  void hide(const std::vector<Symbol>& names, Scope& scope);
  void assign(const Expression& target, const Value& value, Scope& scope);
  void assign_tuple(const Expression& target, const Value& value, Scope& scope);
  void assign_namespace(const Expression& target, const Value& value, Scope& scope);
  void check_namespaces(const Expression& target, Scope& scope);
  void write(const Text& text);
  /// Runs `body` with its output going to a text of its own.
  template <typename Body>
  Text capture(Body body) {
    Text text;
    Text* const outer = std::exchange(out_, &text);
    try {
      body();
    } catch (...) {
      out_ = outer;
      throw;
    }
    out_ = outer;
    return text;
  }

  // Expressions.
  Value evaluate(const Expression& expression, Scope& scope);
  Value evaluate_inner(const Expression& expression, Scope& scope);
  Value evaluate_name(const Expression& expression, Scope& scope);
  Value evaluate_dict(const Expression& expression, Scope& scope);
  Value evaluate_slice(const Expression& expression, Scope& scope);
  Value evaluate_compare(const Expression& expression, Scope& scope);
  Value evaluate_concat(const Expression& expression, Scope& scope);
  Value evaluate_conditional(const Expression& expression, Scope& scope);
  Value evaluate_filter(const Expression& expression, Scope& scope);
  Value evaluate_call(const Expression& expression, Scope& scope, const Value* caller);
  std::vector<Value> evaluate_all(const std::vector<ExpressionPtr>& expressions, Scope& scope);
  CallArguments evaluate_arguments(const Arguments& arguments, Scope& scope);

  // Calls.
  Value call(const Value& callee, CallArguments arguments);
  Value call_macro(const Macro& macro, CallArguments arguments);
  void bind_parameters(const Statement& statement, CallArguments& arguments, Scope& scope);
  Value call_loop(const Value& callee, const CallArguments& arguments);
  Value call_loop_method(const Value& self, std::string_view name, const CallArguments& arguments);
  Value call_global(std::string_view name, const CallArguments& arguments);
  Value make_namespace(const CallArguments& arguments);
  std::vector<std::pair<Value, Value>> pairs_of(std::string_view function,
                                                const CallArguments& arguments);

  const Program& program_;
  Runtime& runtime_;
  Scopes scopes_;
  Text root_;
  Text* out_ = &root_;
  const Text* filtered_ = nullptr;  // what a filter block is applied to
  std::vector<std::size_t> writes_;
  std::vector<std::shared_ptr<Namespace>>
      namespaces_;                     // emptied at the end: they may contain each other
  std::vector<Value> changing_loops_;  // so may what loop.changed saw
  int line_ = 1;
  int depth_ = 0;
};

}  // namespace hone::jinja
