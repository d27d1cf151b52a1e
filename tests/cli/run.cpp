#include "run.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/temporary_folder.h"

namespace hone::testing {
namespace {

std::string content_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

struct Streams {
  std::string in, out, err;  ///< files
};

[[noreturn]] void become(std::vector<char*> arguments,
                         const Streams& streams,
                         const RunOptions& options) {
  ::dup2(::open(streams.in.c_str(), O_RDONLY), STDIN_FILENO);
  ::dup2(::open(streams.out.c_str(), O_WRONLY | O_CREAT, 0600), STDOUT_FILENO);
  ::dup2(::open(streams.err.c_str(), O_WRONLY | O_CREAT, 0600), STDERR_FILENO);
  if (options.max_file_bytes >= 0) {
    const auto limit = static_cast<rlim_t>(options.max_file_bytes);
    const rlimit limits{limit, limit};
    ::setrlimit(RLIMIT_FSIZE, &limits);
  }
  ::execv(arguments[0], arguments.data());
  ::_exit(127);
}

/// Waits for `child` until its end or until it is time for the signal.
int wait_for(pid_t child, const RunOptions& options) {
  int status = 0;
  if (options.signal_after_ms >= 0) {
    for (int waited = 0; waited < options.signal_after_ms; ++waited) {
      if (::waitpid(child, &status, WNOHANG) == child) return status;
      ::usleep(1000);
    }
    ::kill(child, options.signal);
  }
  ::waitpid(child, &status, 0);
  return status;
}

}  // namespace

Outcome run(const std::string& program,
            const std::vector<std::string>& arguments,
            const RunOptions& options) {
  const TemporaryFolder folder;
  const Streams streams{folder.file("in", options.input), folder / "out", folder / "err"};
  std::vector<char*> raw = {const_cast<char*>(program.c_str())};
  for (const auto& argument : arguments) raw.push_back(const_cast<char*>(argument.c_str()));
  raw.push_back(nullptr);
  const auto child = ::fork();
  if (child == 0) become(raw, streams, options);
  const int status = wait_for(child, options);
  Outcome outcome;
  outcome.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  outcome.out = content_of(streams.out);
  outcome.err = content_of(streams.err);
  return outcome;
}

std::size_t count_lines(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

}  // namespace hone::testing
