#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include <hone/text/jinja_inputs.h>

namespace hone::jinja {
namespace {

constexpr std::array<std::string_view, 6> kGlobals = {
    "namespace", "range", "dict", "zip", "raise_exception", "strftime_now"};

/// Collects the names that are read and those that are set.
class Names {
 public:
  explicit Names(const Program& program) {
    for (const Symbol name : {program.loop, program.caller, program.kwargs, program.varargs})
      set_.insert(name);
    visit(program.body);
  }

  std::vector<Symbol> inputs() const {
    std::vector<Symbol> inputs;
    for (const Symbol name : read_) {
      if (!set_.contains(name)) inputs.push_back(name);
    }
    return inputs;
  }

 private:
  void read(Symbol name) {
    if (std::ranges::find(read_, name) == read_.end()) read_.push_back(name);
  }

  void visit(const Block& block) {
    for (const Statement& statement : block) visit(statement);
  }

  void visit(const Statement& statement) {
    if (statement.symbol >= 0) set_.insert(statement.symbol);
    set_.insert(statement.parameters.begin(), statement.parameters.end());
    if (statement.target) visit_target(*statement.target);
    for (const auto& expression : statement.expressions) visit(expression.get());
    for (const auto& block : statement.blocks) visit(block);
  }

  void visit_target(const Expression& target) {
    if (target.kind == Expression::Kind::kNamespaceAttribute) return read(target.symbol);
    if (target.kind == Expression::Kind::kName) set_.insert(target.symbol);
    for (const auto& item : target.children) visit_target(*item);
  }

  void visit(const Expression* expression) {
    if (expression == nullptr) return;
    if (expression->kind == Expression::Kind::kName) read(expression->symbol);
    for (const auto& child : expression->children) visit(child.get());
    const Arguments& arguments = expression->arguments;
    for (const auto& node : arguments.positional) visit(node.get());
    for (const auto& [name, node] : arguments.keywords) visit(node.get());
    visit(arguments.star.get());
    visit(arguments.double_star.get());
  }

  std::vector<Symbol> read_;
  std::set<Symbol> set_;
};

}  // namespace

std::vector<std::string> input_names(const Program& program) {
  std::vector<std::string> names;
  for (const Symbol symbol : Names(program).inputs()) {
    const auto& name = program.names[static_cast<std::size_t>(symbol)];
    if (std::ranges::find(kGlobals, name) == kGlobals.end()) names.push_back(name);
  }
  return names;
}

}  // namespace hone::jinja
