// Runs a real program and tells how it ended.
#pragma once

#include <string>
#include <vector>

namespace hone::testing {

struct Outcome {
  int code = -1;  ///< exit code; 128 + signal where a signal ended it
  std::string out;
  std::string err;
};

/// Runs `program` with `arguments` and waits. `stop_after_ms` >= 0: sends it SIGINT after so many
/// milliseconds.
Outcome run(const std::string& program,
            const std::vector<std::string>& arguments,
            int stop_after_ms = -1);

/// How many lines `text` has.
std::size_t count_lines(const std::string& text);

}  // namespace hone::testing
