// The parsed form of a template.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <hone/text/jinja_environment.h>
#include <hone/text/jinja_value.h>

namespace hone::jinja {

struct Expression;
struct Statement;
using ExpressionPtr = std::unique_ptr<Expression>;
using Block = std::vector<Statement>;

/// A variable's name, as its place in `Program::names`.
using Symbol = int;

enum class Operator {
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kFloorDivide,
  kModulo,
  kPower,
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kIn,
  kNotIn,
};

/// What stands between the parentheses of a call.
struct Arguments {
  std::vector<ExpressionPtr> positional;
  std::vector<std::pair<std::string, ExpressionPtr>> keywords;
  ExpressionPtr star;         // *args
  ExpressionPtr double_star;  // **kwargs
};

struct Expression {
  enum class Kind {
    kConstant,
    kName,
    kNamespaceAttribute,  // symbol.name, as a target of set only
    kTuple,
    kList,
    kDict,       // children: key, value, key, value ...
    kAttribute,  // children[0].name
    kItem,       // children[0][children[1]]
    kSlice,      // children[0][children[1]:children[2]:children[3]], absent ones null
    kCall,       // children[0](arguments)
    kFilter,     // children[0] | name(arguments); children[0] is null in a filter block
    kTest,       // children[0] is name(arguments)
    kNot,
    kNegative,
    kPositive,
    kBinary,
    kCompare,  // children[0] operators[0] children[1] operators[1] children[2] ...
    kAnd,
    kOr,
    kConcat,       // ~
    kConditional,  // children[0] if children[1] else children[2], which may be null
  };

  Kind kind = Kind::kConstant;
  int line = 0;
  int depth = 1;  // of the tree below, 1 for a leaf
  Symbol symbol = -1;
  Operator op = Operator::kAdd;
  std::string name;
  Value constant;
  std::vector<ExpressionPtr> children;
  std::vector<Operator> operators;
  Arguments arguments;
};

struct Statement {
  enum class Kind {
    kData,   // data
    kPrint,  // expressions
    kIf,     // expressions[i] is the condition of blocks[i]; one more block is else
    kFor,  // target, expressions[0] iterated, expressions[1] the filter or null; blocks: body, else
    kSet,  // target = expressions[0]
    kSetBlock,     // target = blocks[0], through expressions[0] where not null
    kMacro,        // symbol; parameters, expressions: their last defaults; blocks[0]
    kCallBlock,    // expressions.back() the call, before it the defaults; parameters; blocks[0]
    kFilterBlock,  // expressions[0] over blocks[0]
    kWith,         // parameters[i] = expressions[i]; blocks[0]
    kGeneration,   // blocks[0]
    kBreak,
    kContinue,
  };

  Kind kind = Kind::kData;
  int line = 0;
  Text data;
  Symbol symbol = -1;
  ExpressionPtr target;
  std::vector<ExpressionPtr> expressions;
  std::vector<Symbol> parameters;
  std::vector<Block> blocks;
  /// Per block: the names that are undefined at its start although the render's input may have
  /// them, because the block sets them before it reads them (see jinja_names.h).
  std::vector<std::vector<Symbol>> hidden;
  bool recursive = false;
  // What a macro's body reads besides its parameters.
  bool reads_caller = false;
  bool reads_kwargs = false;
  bool reads_varargs = false;
};

/// A whole template.
struct Program {
  Environment environment = Environment::kChat;
  std::vector<std::string> names;
  Block body;
  std::vector<Symbol> hidden;   // of the whole template, as Statement::hidden
  bool has_generation = false;  // a {% generation %} block occurs
  // Names that Jinja sets itself.
  Symbol loop = -1;
  Symbol caller = -1;
  Symbol kwargs = -1;
  Symbol varargs = -1;
};

}  // namespace hone::jinja
