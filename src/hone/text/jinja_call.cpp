// The interpreter's calls: macros, loops, methods and the globals of chat templates.
#include <array>
#include <chrono>
#include <ctime>
#include <optional>

#include <hone/base/error.h>
#include <hone/text/jinja_deeper.h>
#include <hone/text/jinja_interpreter.h>
#include <hone/text/jinja_operators.h>
#include <hone/text/jinja_task.h>

namespace hone::jinja {
namespace {

/// Takes the keyword argument `name` out of `arguments`.
std::optional<Value> take_keyword(CallArguments& arguments, std::string_view name) {
  for (auto keyword = arguments.keywords.begin(); keyword != arguments.keywords.end(); ++keyword) {
    if (keyword->first != name) continue;
    Value value = std::move(keyword->second);
    arguments.keywords.erase(keyword);
    return value;
  }
  return std::nullopt;
}

/// `format` as Python's strftime, one directive at a time, so that glibc's own extensions cannot
/// ask for gigabytes.
std::string format_time(std::int64_t now, const std::string& format) {
  static constexpr std::string_view kDirectives = "aAbBcdHIjmMpSUwWxXyYZzeDFTRhnt";
  std::tm time{};
  const std::time_t seconds = now >= 0 ? static_cast<std::time_t>(now) : std::time(nullptr);
  if (now >= 0) {
    gmtime_r(&seconds, &time);
  } else {
    localtime_r(&seconds, &time);
  }
  std::string result;
  for (std::size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%' || i + 1 == format.size()) {
      result += format[i];
      continue;
    }
    const char directive = format[++i];
    if (directive == '%') {
      result += '%';
    } else if (directive == 'f') {
      result += "000000";
    } else if (directive == 'z' || directive == 'Z') {
      // A time without a zone, as datetime.now() gives it, shows nothing here.
    } else if (directive == '-' && i + 1 < format.size() &&
               kDirectives.find(format[i + 1]) != std::string_view::npos) {
      const char text[] = {'%', '-', format[++i], '\0'};
      char buffer[128];
      result.append(buffer, std::strftime(buffer, sizeof buffer, text, &time));
    } else if (kDirectives.find(directive) != std::string_view::npos) {
      const char text[] = {'%', directive, '\0'};
      char buffer[128];
      result.append(buffer, std::strftime(buffer, sizeof buffer, text, &time));
    } else {
      fail("strftime_now: the directive %", directive, " is not supported");
    }
  }
  return result;
}

Value make_range(const CallArguments& arguments) {
  if (!arguments.keywords.empty()) fail("range() takes no keyword arguments");
  const Bound bound("range", arguments, {"start", "stop", "step"}, 1);
  std::array<std::int64_t, 3> numbers = {0, 0, 1};
  for (std::size_t i = 0; i < 3; ++i) {
    if (bound.has(i)) numbers[i] = integer_argument(bound[i], "an argument of range");
  }
  if (!bound.has(1)) numbers = {0, numbers[0], 1};
  if (numbers[2] == 0) fail("range() arg 3 must not be zero");
  const Range range{numbers[0], numbers[1], numbers[2]};
  if (range.size() > kMaxRange)
    fail("range too big: a template may ask for at most ", kMaxRange, " items");
  return Value::range(range.start, range.stop, range.step);
}

}  // namespace

Value Interpreter::call(const Value& callee, CallArguments arguments) {
  switch (callee.kind()) {
    case Kind::kUndefined:
      fail(callee.undefined_message());
    case Kind::kMacro:
      return call_macro(callee.as_macro(), std::move(arguments));
    case Kind::kLoop:
      return call_loop(callee, arguments);
    case Kind::kFunction:
      return call_global(callee.function_name(), arguments);
    case Kind::kMethod: {
      const Method& method = callee.as_method();
      if (method.self.is(Kind::kLoop)) return call_loop_method(method.self, method.name, arguments);
      return call_method(runtime_, method.self, method.name, arguments);
    }
    default:
      fail("'", callee.type_name(), "' object is not callable");
  }
}

Value Interpreter::call_macro(const Macro& macro, CallArguments arguments) {
  const Deeper deeper(*this);
  const Statement& statement = *macro.statement;
  const Scopes::Guard scope(scopes_, macro.scope);
  hide(statement.hidden[0], *scope);
  bind_parameters(statement, arguments, *scope);
  const int called_at = line_;
  Text text = capture([&] { execute(statement.blocks[0], *scope); });
  line_ = called_at;
  return Value::text(std::move(text));
}

void Interpreter::bind_parameters(const Statement& statement,
                                  CallArguments& arguments,
                                  Scope& scope) {
  const auto& parameters = statement.parameters;
  const std::size_t calls = statement.kind == Statement::Kind::kCallBlock ? 1 : 0;
  const std::size_t defaults = statement.expressions.size() - calls;
  std::vector<std::size_t> missing;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const std::string& name = program_.names[static_cast<std::size_t>(parameters[i])];
    std::optional<Value> value;
    if (i < arguments.positional.size()) {
      value = arguments.positional[i];
    } else {
      value = take_keyword(arguments, name);
    }
    if (!value) missing.push_back(i);
    scope.set(parameters[i],
              value ? *value : Value::undefined(concat("parameter '", name, "' was not provided")));
  }
  if (statement.reads_caller) {
    auto caller = take_keyword(arguments, "caller");
    const bool given = caller && !caller->is(Kind::kNone);
    scope.set(program_.caller, given ? *caller : Value::undefined("No caller defined"));
  }
  if (statement.reads_kwargs) {
    std::vector<std::pair<Value, Value>> items;
    for (auto& [name, value] : arguments.keywords)
      items.emplace_back(Value::text(name), std::move(value));
    scope.set(program_.kwargs, Value::dict(std::move(items)));
  } else if (!arguments.keywords.empty()) {
    fail("the macro takes no keyword argument '", arguments.keywords[0].first, "'");
  }
  const std::size_t extra = arguments.positional.size() > parameters.size()
                                ? parameters.size()
                                : arguments.positional.size();
  if (statement.reads_varargs) {
    scope.set(program_.varargs,
              Value::tuple({arguments.positional.begin() + static_cast<std::ptrdiff_t>(extra),
                            arguments.positional.end()}));
  } else if (extra < arguments.positional.size()) {
    fail("the macro takes not more than ", parameters.size(), " arguments");
  }
  for (const std::size_t i : missing) {
    const std::size_t without = parameters.size() - defaults;
    if (i >= without)
      scope.set(parameters[i], evaluate(*statement.expressions[i - without], scope));
  }
}

Value Interpreter::call_loop(const Value& callee, const CallArguments& arguments) {
  const Loop& loop = callee.as_loop();
  if (loop.recursive == nullptr)
    fail("the loop must have the 'recursive' marker to be called recursively");
  const Bound bound("loop", arguments, {"iterable"}, 1);
  const Deeper deeper(*this);
  return Value::text(
      capture([&] { run_loop(*loop.recursive, bound[0], *loop.scope, loop.recursion + 1); }));
}

Value Interpreter::call_loop_method(const Value& self,
                                    std::string_view name,
                                    const CallArguments& arguments) {
  if (!arguments.keywords.empty()) fail("loop.", name, "() takes no keyword arguments");
  Loop& loop = self.as_loop();
  if (name == "cycle") {
    if (arguments.positional.empty()) fail("no items for cycling given");
    return arguments.positional[loop.index0 % arguments.positional.size()];
  }
  const auto& values = arguments.positional;
  bool same = loop.changed && loop.changed->size() == values.size();
  for (std::size_t i = 0; same && i < values.size(); ++i) {
    same = values[i].same_as((*loop.changed)[i]) || equal(runtime_, values[i], (*loop.changed)[i]);
  }
  if (same) return Value::boolean(false);
  if (!loop.changed) changing_loops_.push_back(self);
  loop.changed = values;
  return Value::boolean(true);
}

Value Interpreter::call_global(std::string_view name, const CallArguments& arguments) {
  if (name == "range") return make_range(arguments);
  if (name == "namespace") return make_namespace(arguments);
  if (name == "zip") return zip(runtime_, arguments);
  if (name == "dict") return Value::dict(pairs_of("dict", arguments));
  if (name == "strftime_now") {
    const Bound bound(name, arguments, {"format"}, 1);
    return Value::text(format_time(runtime_.now(), text_argument(bound[0], "format").bytes()));
  }
  const Bound bound(name, arguments, {"message"}, 1);
  fail(to_text(runtime_, bound[0]).bytes());
}

/// What dict(...) is made of: a dict or pairs, then keyword arguments.
std::vector<std::pair<Value, Value>> Interpreter::pairs_of(std::string_view function,
                                                           const CallArguments& arguments) {
  std::vector<std::pair<Value, Value>> items;
  if (arguments.positional.size() > 1)
    fail(function, " expected at most 1 argument, got ", arguments.positional.size());
  if (!arguments.positional.empty()) {
    const Value& from = arguments.positional[0];
    if (from.is(Kind::kDict)) {
      runtime_.make_items(length_of(from));
      items = from.as_dict().items;
    } else {
      for (const Value& pair : iterate(runtime_, from)) {
        const auto both = iterate(runtime_, pair);
        if (both.size() != 2)
          fail("a pair of ", function, " has ", both.size(), " items; 2 are required");
        // Keys that are not texts are looked for one by one.
        if (!both[0].is_text()) runtime_.step(static_cast<std::int64_t>(items.size()));
        items.emplace_back(both[0], both[1]);
      }
    }
  }
  for (const auto& [name, value] : arguments.keywords) items.emplace_back(Value::text(name), value);
  return items;
}

Value Interpreter::make_namespace(const CallArguments& arguments) {
  const Value attributes = Value::dict(pairs_of("namespace", arguments));
  auto space = std::make_shared<Namespace>();
  for (const auto& [name, value] : attributes.as_dict().items) {
    const std::string& text = text_argument(name, "a name of a namespace").bytes();
    if (text.starts_with('_')) fail("a namespace cannot have an attribute '", text, "'");
    space->attributes.set(name, value);
  }
  namespaces_.push_back(space);
  return Value::object(Kind::kNamespace, std::move(space));
}

}  // namespace hone::jinja
