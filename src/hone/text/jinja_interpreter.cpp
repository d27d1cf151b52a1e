#include <algorithm>

#include <hone/base/error.h>
#include <hone/text/jinja_deeper.h>
#include <hone/text/jinja_filters.h>
#include <hone/text/jinja_interpreter.h>
#include <hone/text/jinja_operators.h>

namespace hone::jinja {

Interpreter::Interpreter(const Program& program, Runtime& runtime)
    : program_(program), runtime_(runtime) {}

Interpreter::~Interpreter() {
  // Values are let go one by one here: chains of them that the template built could be too long for
  // one destructor.
  scopes_.clear();
  for (const auto& space : namespaces_) space->attributes = Dict();
  for (const Value& loop : changing_loops_) loop.as_loop().changed.reset();
}

Text Interpreter::run(const std::vector<std::pair<std::string, Value>>& inputs) {
  const Scopes::Guard globals(scopes_, nullptr);
  const auto set = [&](std::string_view name, const Value& value) {
    const auto found = std::ranges::find(program_.names, name);
    if (found != program_.names.end())
      globals->set(static_cast<Symbol>(found - program_.names.begin()), value);
  };
  for (const char* name : {"namespace", "range", "dict"}) set(name, Value::function(name));
  if (program_.environment == Environment::kTask) {
    set("zip", Value::function("zip"));
  } else {
    for (const char* name : {"raise_exception", "strftime_now"}) set(name, Value::function(name));
  }
  for (const auto& [name, value] : inputs) set(name, value);
  const Scopes::Guard scope(scopes_, &*globals);
  hide(program_.hidden, *scope);
  execute(program_.body, *scope);
  return std::move(root_);
}

void Interpreter::hide(const std::vector<Symbol>& names, Scope& scope) {
  for (const Symbol name : names) {
    scope.set(name, Value::undefined(concat("'", program_.names[static_cast<std::size_t>(name)],
                                            "' is undefined")));
  }
}

void Interpreter::write(const Text& text) {
  if (text.empty()) return;
  runtime_.make(text.size());
  runtime_.check_output(out_->size() + text.size());
  out_->append(text);
  if (out_ == &root_) writes_.push_back(root_.size());
}

Interpreter::Flow Interpreter::execute(const Block& block, Scope& scope) {
  for (const Statement& statement : block) {
    if (const Flow flow = execute(statement, scope); flow != Flow::kNormal) return flow;
  }
  return Flow::kNormal;
}

Interpreter::Flow Interpreter::execute(const Statement& statement, Scope& scope) {
  const Deeper deeper(*this);
  runtime_.step();
  line_ = statement.line;
  switch (statement.kind) {
    case Statement::Kind::kData:
      write(statement.data);
      break;
    case Statement::Kind::kPrint:
      execute_print(statement, scope);
      break;
    case Statement::Kind::kIf:
      return execute_if(statement, scope);
    case Statement::Kind::kFor:
      execute_for(statement, scope);
      break;
    case Statement::Kind::kSet:
      execute_set(statement, scope);
      break;
    case Statement::Kind::kSetBlock:
      return execute_set_block(statement, scope);
    case Statement::Kind::kMacro:
      scope.keep();
      scope.set(statement.symbol,
                Value::object(Kind::kMacro, std::make_shared<Macro>(Macro{&statement, &scope})));
      break;
    case Statement::Kind::kCallBlock:
      execute_call_block(statement, scope);
      break;
    case Statement::Kind::kFilterBlock:
      return execute_filter_block(statement, scope);
    case Statement::Kind::kWith:
      return execute_with(statement, scope);
    case Statement::Kind::kGeneration:
      execute_generation(statement, scope);
      break;
    case Statement::Kind::kBreak:
      return Flow::kBreak;
    case Statement::Kind::kContinue:
      return Flow::kContinue;
  }
  return Flow::kNormal;
}

void Interpreter::execute_print(const Statement& statement, Scope& scope) {
  for (const auto& expression : statement.expressions) {
    const Value value = evaluate(*expression, scope);
    if (value.is_text()) {
      write(value.as_text());
    } else {
      write(to_text(runtime_, value));
    }
  }
}

Interpreter::Flow Interpreter::execute_if(const Statement& statement, Scope& scope) {
  std::size_t branch = 0;
  while (branch < statement.expressions.size() &&
         !truth(evaluate(*statement.expressions[branch], scope)))
    ++branch;
  return branch < statement.blocks.size() ? execute(statement.blocks[branch], scope)
                                          : Flow::kNormal;
}

/// Runs one of the statement's blocks in a scope of its own.
Interpreter::Flow Interpreter::execute_inner(const Statement& statement,
                                             std::size_t block,
                                             Scope& scope) {
  const Scopes::Guard inner(scopes_, &scope);
  hide(statement.hidden[block], *inner);
  return execute(statement.blocks[block], *inner);
}

void Interpreter::execute_set(const Statement& statement, Scope& scope) {
  check_namespaces(*statement.target, scope);
  const Value value = evaluate(*statement.expressions[0], scope);
  line_ = statement.line;
  assign(*statement.target, value, scope);
}

Interpreter::Flow Interpreter::execute_set_block(const Statement& statement, Scope& scope) {
  Flow flow = Flow::kNormal;
  const Text body = capture([&] { flow = execute_inner(statement, 0, scope); });
  if (flow != Flow::kNormal) return flow;
  Value value = Value::text(body);
  if (statement.expressions[0]) {
    const Text* const outer = std::exchange(filtered_, &body);
    value = evaluate(*statement.expressions[0], scope);
    filtered_ = outer;
  }
  assign(*statement.target, value, scope);
  return flow;
}

Interpreter::Flow Interpreter::execute_filter_block(const Statement& statement, Scope& scope) {
  Flow flow = Flow::kNormal;
  const Text body = capture([&] { flow = execute_inner(statement, 0, scope); });
  if (flow != Flow::kNormal) return flow;
  const Text* const outer = std::exchange(filtered_, &body);
  const Value value = evaluate(*statement.expressions[0], scope);
  filtered_ = outer;
  write(to_text(runtime_, value));
  return flow;
}

void Interpreter::execute_call_block(const Statement& statement, Scope& scope) {
  scope.keep();
  const Value caller =
      Value::object(Kind::kMacro, std::make_shared<Macro>(Macro{&statement, &scope}));
  write(to_text(runtime_, evaluate_call(*statement.expressions.back(), scope, &caller)));
}

Interpreter::Flow Interpreter::execute_with(const Statement& statement, Scope& scope) {
  const Scopes::Guard inner(scopes_, &scope);
  hide(statement.hidden[0], *inner);
  for (std::size_t i = 0; i < statement.parameters.size(); ++i) {
    inner->set(statement.parameters[i], evaluate(*statement.expressions[i], scope));
  }
  return execute(statement.blocks[0], *inner);
}

void Interpreter::execute_generation(const Statement& statement, Scope& scope) {
  Text body = capture([&] { execute_inner(statement, 0, scope); });
  body.mark_generated();
  write(body);
}

void Interpreter::execute_for(const Statement& statement, Scope& scope) {
  const Value iterable = evaluate(*statement.expressions[0], scope);
  line_ = statement.line;
  if (!statement.recursive) {
    run_loop(statement, iterable, scope, 0);
    return;
  }
  scope.keep();
  write(capture([&] { run_loop(statement, iterable, scope, 0); }));
}

/// Sets `loop` up for the items of `iterable`; those that a filter must still see are returned.
std::vector<Value> Interpreter::start_loop(const Statement& statement,
                                           const Value& iterable,
                                           Loop& loop,
                                           Scope& scope) {
  std::vector<Value> items = iterate(runtime_, iterable);
  for (const Value& item : items) loop.depth = std::max(loop.depth, item.depth() + 1);
  if (loop.depth > kMaxValueDepth) fail("values are nested more than ", kMaxValueDepth, " deep");
  loop.recursive = statement.recursive ? &statement : nullptr;
  loop.scope = &scope;
  if (statement.expressions[1]) return items;
  loop.items = std::move(items);
  return {};
}

/// Whether the loop's filter lets `item` in.
bool Interpreter::accepts(const Statement& statement, const Value& item, Scope& scope) {
  const Scopes::Guard inner(scopes_, &scope);
  assign(*statement.target, item, *inner);
  return truth(evaluate(*statement.expressions[1], *inner));
}

Interpreter::Flow Interpreter::run_loop(const Statement& statement,
                                        const Value& iterable,
                                        Scope& scope,
                                        int recursion) {
  const auto loop = std::make_shared<Loop>();
  loop->recursion = recursion;
  const std::vector<Value> untested = start_loop(statement, iterable, *loop, scope);
  std::size_t tested = 0;
  if (statement.expressions[1]) {
    loop->more = [&, raw = loop.get()] {
      while (tested < untested.size()) {
        const Value& item = untested[tested++];
        if (!accepts(statement, item, scope)) continue;
        raw->items.push_back(item);
        return true;
      }
      return false;
    };
  }
  const auto end_lookahead = [](Loop* ended) { ended->more = nullptr; };
  const std::unique_ptr<Loop, decltype(end_lookahead)> ending(loop.get(), end_lookahead);
  const Value loop_value = Value::object(Kind::kLoop, loop);
  bool completed = false;  // Jinja's `else` asks whether any pass ran to its end
  for (std::size_t i = 0; loop->has(i + 1); ++i) {
    runtime_.step();
    loop->index0 = i;
    const Scopes::Guard inner(scopes_, &scope);
    inner->set(program_.loop, loop_value);
    hide(statement.hidden[0], *inner);
    assign(*statement.target, loop->items[i], *inner);
    const Flow flow = execute(statement.blocks[0], *inner);
    if (flow == Flow::kBreak) break;
    if (flow == Flow::kNormal) completed = true;
  }
  if (!completed && statement.blocks.size() > 1) return execute_inner(statement, 1, scope);
  return Flow::kNormal;
}

void Interpreter::assign(const Expression& target, const Value& value, Scope& scope) {
  if (target.kind == Expression::Kind::kName) return scope.set(target.symbol, value);
  if (target.kind == Expression::Kind::kNamespaceAttribute)
    return assign_namespace(target, value, scope);
  assign_tuple(target, value, scope);
}

void Interpreter::assign_tuple(const Expression& target, const Value& value, Scope& scope) {
  const auto items = iterate(runtime_, value);
  if (items.size() != target.children.size()) {
    fail("cannot unpack ", items.size(), " values into ", target.children.size(), " names");
  }
  for (std::size_t i = 0; i < items.size(); ++i) assign(*target.children[i], items[i], scope);
}

void Interpreter::check_namespaces(const Expression& target, Scope& scope) {
  for (const auto& item : target.children) check_namespaces(*item, scope);
  if (target.kind != Expression::Kind::kNamespaceAttribute) return;
  const Value* space = scope.find(target.symbol);
  if (space == nullptr || !space->is(Kind::kNamespace))
    fail("cannot assign attribute on non-namespace object");
}

void Interpreter::assign_namespace(const Expression& target, const Value& value, Scope& scope) {
  const Value* space = scope.find(target.symbol);
  if (space == nullptr || !space->is(Kind::kNamespace))
    fail("cannot assign attribute on non-namespace object");
  if (target.name.starts_with('_'))
    fail("a namespace cannot have an attribute '", target.name, "'");
  space->as_namespace().attributes.set(Value::text(target.name), value);
}

}  // namespace hone::jinja
