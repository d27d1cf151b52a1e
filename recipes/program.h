// The frame of every program: options, one place where errors become a line and an exit code,
// Ctrl-C.
#pragma once

#include <functional>

#include <CLI/CLI.hpp>

namespace hone::recipes {

inline constexpr int kFailure = 1;        ///< something went wrong that the user did not cause
inline constexpr int kUserError = 2;      ///< a mistake in options or files
inline constexpr int kInterrupted = 130;  ///< ended by Ctrl-C

/// Adds `--config FILE` (TOML, the same names as the options), `--print-config` and `--version` to
/// `app`, parses the command line, and runs `work`. Returns its result, or the exit code of what
/// went wrong after one line on stderr: a misspelt option or key is named with the nearest ones.
/// The value of one option before the others are known: on the command line or in the file of
/// --config, or `otherwise`.
std::string peek_option(int argc, char** argv, const std::string& name, std::string otherwise);

int run_program(CLI::App& app, int argc, char** argv, const std::function<int()>& work);

/// Ends the work of `run_program` from within; the exit code is `kInterrupted`.
struct Interrupted {};

/// Whether Ctrl-C (SIGINT) or SIGTERM asked the program to stop. A second one ends it at once.
bool stop_requested();

/// Throws `Interrupted` where `stop_requested`.
void throw_if_stopped();

}  // namespace hone::recipes
