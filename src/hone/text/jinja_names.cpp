#include <algorithm>
#include <set>

#include <hone/base/error.h>
#include <hone/text/jinja_filters.h>
#include <hone/text/jinja_names.h>

namespace hone::jinja {
namespace {

/// A scope while its names are collected.
struct Frame {
  const Frame* parent = nullptr;
  std::set<Symbol> mentioned;
  std::vector<Symbol> hidden;
  int conditions = 0;  // ifs around the current statement, within this scope
  bool in_loop = false;

  bool knows(Symbol name) const {
    for (const Frame* frame = this; frame != nullptr; frame = frame->parent) {
      if (frame->mentioned.count(name) != 0) return true;
    }
    return false;
  }
};

class NameResolver {
 public:
  NameResolver(Program& program, const std::string& place)
      : program_(program), place_(place), loop_(program.loop) {}

  void run() {
    Frame frame;
    collect(program_.body, frame);
    program_.hidden = frame.hidden;
    descend(program_.body, frame, false);
  }

 private:
  // First pass over a scope: its own names in the order in which Jinja meets them.

  void load(Symbol name, Frame& frame) {
    if (!frame.knows(name)) frame.mentioned.insert(name);
  }

  void store(Symbol name, Frame& frame, int line) {
    if (name == loop_ && frame.in_loop)
      fail(place_, ":", line, ": \"loop\" cannot be set inside a loop");
    if (frame.conditions == 0 && !frame.knows(name)) frame.hidden.push_back(name);
    frame.mentioned.insert(name);
  }

  void load(const Expression* expression, Frame& frame) {
    if (expression == nullptr) return;
    using Kind = Expression::Kind;
    if (expression->kind == Kind::kName || expression->kind == Kind::kNamespaceAttribute)
      load(expression->symbol, frame);
    for (const auto& child : expression->children) load(child.get(), frame);
    const Arguments& arguments = expression->arguments;
    for (const auto& node : arguments.positional) load(node.get(), frame);
    for (const auto& [name, node] : arguments.keywords) load(node.get(), frame);
    load(arguments.star.get(), frame);
    load(arguments.double_star.get(), frame);
  }

  void store(const Expression& target, Frame& frame, bool parameter) {
    if (target.kind == Expression::Kind::kNamespaceAttribute) return load(target.symbol, frame);
    if (target.kind == Expression::Kind::kName) {
      if (!parameter) return store(target.symbol, frame, target.line);
      if (target.symbol == loop_)
        fail(place_, ":", target.line, ": \"loop\" cannot be set inside a loop");
      frame.mentioned.insert(target.symbol);
      return;
    }
    for (const auto& item : target.children) store(*item, frame, parameter);
  }

  void collect(const Block& block, Frame& frame) {
    for (const Statement& statement : block) collect(statement, frame);
  }

  void collect(const Statement& statement, Frame& frame) {
    using Kind = Statement::Kind;
    switch (statement.kind) {
      case Kind::kIf:
        return collect_if(statement, frame);
      case Kind::kFor:
        return load(statement.expressions[0].get(), frame);
      case Kind::kSet:
        load(statement.expressions[0].get(), frame);
        return store(*statement.target, frame, false);
      case Kind::kSetBlock:
        return store(*statement.target, frame, false);
      case Kind::kMacro:
        return store(statement.symbol, frame, statement.line);
      case Kind::kCallBlock:
        return load(statement.expressions.back().get(), frame);
      default:
        for (const auto& expression : statement.expressions) load(expression.get(), frame);
    }
  }

  void collect_if(const Statement& statement, Frame& frame) {
    load(statement.expressions[0].get(), frame);
    ++frame.conditions;
    for (std::size_t i = 0; i < statement.blocks.size(); ++i) {
      if (i > 0 && i < statement.expressions.size()) load(statement.expressions[i].get(), frame);
      collect(statement.blocks[i], frame);
    }
    --frame.conditions;
  }

  // Second pass: the scopes inside, and whether filters and tests exist.

  void descend(Block& block, const Frame& frame, bool soft) {
    for (Statement& statement : block) descend(statement, frame, soft);
  }

  void descend(Statement& statement, const Frame& frame, bool soft) {
    using Kind = Statement::Kind;
    const bool in_if = soft || statement.kind == Kind::kIf;
    for (const auto& expression : statement.expressions) check(expression.get(), in_if);
    if (statement.kind == Kind::kIf) {
      for (Block& block : statement.blocks) descend(block, frame, true);
      return;
    }
    for (std::size_t i = 0; i < statement.blocks.size(); ++i) enter(statement, i, frame);
  }

  void enter(Statement& statement, std::size_t block, const Frame& outer) {
    using Kind = Statement::Kind;
    Frame frame;
    frame.parent = &outer;
    frame.in_loop = outer.in_loop || statement.kind == Kind::kFor;
    if (statement.kind == Kind::kFor && block == 0) {
      frame.mentioned.insert(loop_);
      store(*statement.target, frame, true);
    }
    frame.mentioned.insert(statement.parameters.begin(), statement.parameters.end());
    if (statement.kind == Kind::kMacro || statement.kind == Kind::kCallBlock) {
      const std::size_t defaults =
          statement.expressions.size() - (statement.kind == Kind::kCallBlock ? 1 : 0);
      for (std::size_t i = 0; i < defaults; ++i) load(statement.expressions[i].get(), frame);
    }
    collect(statement.blocks[block], frame);
    statement.hidden.push_back(frame.hidden);
    descend(statement.blocks[block], frame, false);
  }

  void check(const Expression* expression, bool soft) const {
    if (expression == nullptr) return;
    using Kind = Expression::Kind;
    if (!soft && expression->kind == Kind::kFilter &&
        !has_filter(expression->name, program_.environment)) {
      fail(place_, ":", expression->line, ": no filter named \"", expression->name,
           "\" is supported");
    }
    if (!soft && expression->kind == Kind::kTest && !has_test(expression->name)) {
      fail(place_, ":", expression->line, ": no test named \"", expression->name,
           "\" is supported");
    }
    soft = soft || expression->kind == Kind::kConditional;
    for (const auto& child : expression->children) check(child.get(), soft);
    const Arguments& arguments = expression->arguments;
    for (const auto& node : arguments.positional) check(node.get(), soft);
    for (const auto& [name, node] : arguments.keywords) check(node.get(), soft);
    check(arguments.star.get(), soft);
    check(arguments.double_star.get(), soft);
  }

  Program& program_;
  const std::string& place_;
  Symbol loop_;
};

}  // namespace

void resolve_names(Program& program, const std::string& place) {
  NameResolver(program, place).run();
}

}  // namespace hone::jinja
