// Names of modules and parameters that a configuration means.
#pragma once

#include <optional>
#include <regex>
#include <string>
#include <vector>

namespace hone {

/// The target that means every linear layer but the head.
inline constexpr const char* kAllLinear = "all-linear";

/// A list of patterns, each the whole name, its dotted end, or a regular expression that matches
/// the whole name. A pattern is an expression where it has a character that no name has.
class NamePatterns {
 public:
  /// `field`: what the patterns are, for messages. Throws `Error` for a malformed expression.
  NamePatterns(const std::string& field, const std::vector<std::string>& patterns);

  /// Whether any pattern means `name`.
  bool match(const std::string& name) const;

  /// The first pattern that means `name`; nothing where none does.
  std::optional<std::string> find(const std::string& name) const;

  /// Throws `Error` for a pattern that means none of `names`, with the nearest last parts of names:
  /// a misspelt one would silently train less. `more`: words that may be given besides.
  void check(const std::vector<std::string>& names, const std::string& more = {}) const;

  bool empty() const { return patterns_.empty(); }

 private:
  struct Pattern {
    std::string text;
    std::optional<std::regex> expression;
    bool means(const std::string& name) const;
  };

  std::string field_;
  std::vector<Pattern> patterns_;
};

/// Whether `pattern` is read as a regular expression.
bool is_expression(const std::string& pattern);

/// Whether `name` is `end`, or ends in it behind a dot.
bool ends_in(const std::string& name, const std::string& end);

}  // namespace hone
