// Runs a real program and tells how it ended.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <signal.h>

namespace hone::testing {

struct Outcome {
  int code = -1;  ///< exit code; 128 + signal where a signal ended it
  std::string out;
  std::string err;
};

/// What happens to a program besides.
struct RunOptions {
  int signal_after_ms = -1;  ///< >= 0: it gets `signal` after so many milliseconds
  int signal = SIGINT;
  std::int64_t max_file_bytes = -1;  ///< >= 0: no file of its own may grow beyond (RLIMIT_FSIZE)
  std::string input = {};            ///< what it reads from stdin
};

using Arguments = std::vector<std::string>;

/// `arguments`, and `more` behind them.
inline Arguments operator+(Arguments arguments, const Arguments& more) {
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

/// Runs `program` with `arguments` and waits for its end.
Outcome run(const std::string& program, const Arguments& arguments, const RunOptions& options = {});

/// How many lines `text` has.
std::size_t count_lines(const std::string& text);

}  // namespace hone::testing
