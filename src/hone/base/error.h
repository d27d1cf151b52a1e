// The one error type for what a user can put right, and the way its text is built.
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>

namespace hone {

/// What a user can put right: a file, a line, an option, a shape in a checkpoint.
///
/// The text is one line (control characters are written as escapes) and says where, which rule, and
/// what came, for example `train.jsonl:14: "content" must be a string, got a number`. Programs
/// print it and exit with 2.
class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& text);
};

/// The arguments written one after the other, as `operator<<` writes them.
template <typename... Parts>
std::string concat(const Parts&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return std::move(out).str();
}

/// Throws `Error` with the concatenated arguments.
template <typename... Parts>
[[noreturn]] void fail(const Parts&... parts) {
  throw Error(concat(parts...));
}

/// Throws `std::invalid_argument` with `message` unless the rule of an option `holds`.
inline void check_option(bool holds, const char* message) {
  if (!holds) throw std::invalid_argument(message);
}

}  // namespace hone
