#include "run.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/temporary_folder.h"

namespace hone::testing {
namespace {

std::string content_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

[[noreturn]] void become(std::vector<char*> arguments, const char* out, const char* err) {
  ::dup2(::open("/dev/null", O_RDONLY), STDIN_FILENO);
  ::dup2(::open(out, O_WRONLY | O_CREAT, 0600), STDOUT_FILENO);
  ::dup2(::open(err, O_WRONLY | O_CREAT, 0600), STDERR_FILENO);
  ::execv(arguments[0], arguments.data());
  ::_exit(127);
}

}  // namespace

Outcome run(const std::string& program,
            const std::vector<std::string>& arguments,
            int stop_after_ms) {
  const TemporaryFolder folder;
  const auto out = (folder / "out").string();
  const auto err = (folder / "err").string();
  std::vector<char*> raw = {const_cast<char*>(program.c_str())};
  for (const auto& argument : arguments) raw.push_back(const_cast<char*>(argument.c_str()));
  raw.push_back(nullptr);
  const auto child = ::fork();
  if (child == 0) become(raw, out.c_str(), err.c_str());
  if (stop_after_ms >= 0) {
    ::usleep(static_cast<useconds_t>(stop_after_ms) * 1000);
    ::kill(child, SIGINT);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  Outcome outcome;
  outcome.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  outcome.out = content_of(out);
  outcome.err = content_of(err);
  return outcome;
}

std::size_t count_lines(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

}  // namespace hone::testing
