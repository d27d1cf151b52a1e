// Jinja templates as transformers renders them: the language without anything about chats.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hone/text/jinja_environment.h>
#include <hone/text/jinja_runtime.h>
#include <hone/text/jinja_value.h>

namespace hone::jinja {

struct Program;

/// A compiled template. A value: copies share the compiled form, which never changes.
///
/// The language is Jinja 3.1 in the environment that transformers makes for chat templates:
/// trim_blocks and lstrip_blocks on, no trailing line end kept, loop controls, `{% generation %}`,
/// the immutable sandbox, and the globals raise_exception, strftime_now, namespace, range and dict.
/// Templates of tasks have an `Environment` of their own.
/// Integers have 64 bits; template inheritance, imports and the filters for HTML, random numbers
/// and pretty printing are not there.
class Template {
 public:
  /// Compiles `source`. `place` starts each error, such as `chat template`. Throws `Error`
  /// (`place:line: what`) where Jinja refuses the source or it uses what is not supported.
  explicit Template(std::string_view source,
                    std::string place = "template",
                    Environment environment = Environment::kChat);

  struct Result {
    Text text;
    /// Lengths of the text after each part that was written to it at once, ascending.
    std::vector<std::size_t> writes;
  };

  /// Renders with the variables `inputs`. `now` is what strftime_now shows: seconds since 1970, in
  /// UTC; negative: the clock, in local time. `seed` decides what the filter `choice` draws.
  /// Throws `Error` (`place:line: what`) where Jinja raises and where a limit is passed.
  Result render(const std::vector<std::pair<std::string, Value>>& inputs,
                std::int64_t now = -1,
                const Limits& limits = {},
                std::uint64_t seed = 0) const;

  /// Whether the source has a `{% generation %}` block.
  bool has_generation() const;

  /// The variables that it reads from its input (see jinja_inputs.h).
  std::vector<std::string> inputs() const;

 private:
  std::string place_;
  std::shared_ptr<const Program> program_;
};

}  // namespace hone::jinja
