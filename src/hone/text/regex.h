// Regular expressions of tokenizer files: Oniguruma's meaning, run by PCRE2.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace hone {

/// A compiled pattern. What is a letter or a digit follows the Unicode version of the PCRE2 library
/// (14 for 10.42); characters assigned later count as neither. Copies share it; any number of
/// threads may match with it, each with its own `RegexMatcher`.
class Regex {
 public:
  struct Code;

  /// Compiles `pattern`, written for Oniguruma as tokenizer.json files are: `\s` is exactly
  /// Unicode's White_Space, classes are Unicode's, `^` and `$` match at line ends. Throws `Error`
  /// starting with `place` where the pattern is broken or uses what PCRE2 cannot express (set
  /// intersection, nested sets).
  Regex(std::string_view pattern, const std::string& place);

  const Code& code() const { return *code_; }

 private:
  std::shared_ptr<const Code> code_;
};

/// `text` as a pattern that matches exactly that text.
std::string escape_pattern(std::string_view text);

/// Finds matches of one `Regex`, with the working memory that takes. For one thread at a time;
/// refers to the `Regex`.
class RegexMatcher {
 public:
  struct Match {
    std::size_t begin;
    std::size_t end;
  };

  explicit RegexMatcher(const Regex& regex);
  ~RegexMatcher();
  RegexMatcher(RegexMatcher&&) noexcept;
  RegexMatcher& operator=(RegexMatcher&&) = delete;

  /// The first match that starts at byte `from` of `text` or later. `text` must be valid UTF-8 and
  /// `from` the start of a character. Throws `Error` where matching takes more steps than any
  /// sensible pattern needs: never a wrong answer.
  std::optional<Match> find(std::string_view text, std::size_t from);

 private:
  struct Data;
  const Regex::Code* code_;
  std::unique_ptr<Data> data_;
};

}  // namespace hone
