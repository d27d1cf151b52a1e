#include "program.h"

#include <atomic>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <signal.h>

#include <hone/base/error.h>
#include <hone/base/nearest.h>

#include "toml_config.h"

namespace hone::recipes {
namespace {

constexpr const char* kVersion = "hone 0.1.0";

// Signals reach a program through memory of its own; nothing else of hone keeps such state.
std::atomic<bool> stop_flag{false};

extern "C" void request_stop(int signal_number) {
  stop_flag.store(true);
  ::signal(signal_number, SIG_DFL);
}

void catch_signals() {
  ::signal(SIGINT, request_stop);
  ::signal(SIGTERM, request_stop);
  // A file-size limit then fails the write, which is reported, instead of killing the program.
  ::signal(SIGXFSZ, SIG_IGN);
}

/// The first line of a message; LibTorch's go on with a stack.
std::string first_line(const std::string& message) {
  return message.substr(0, message.find('\n'));
}

/// Every long name of an option, without dashes.
std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const auto* option : app.get_options()) {
    for (const auto& name : option->get_lnames()) names.push_back(name);
  }
  return names;
}

/// `--lerning-rate=3` -> `lerning-rate`.
std::string bare_name(std::string text) {
  text.erase(0, text.find_first_not_of('-'));
  return text.substr(0, text.find('='));
}

/// The misspelt word of CLI11's message, which ends in it.
std::string last_word(const std::string& message) {
  const auto space = message.find_last_of(' ');
  return space == std::string::npos ? message : message.substr(space + 1);
}

/// The file of --config, and the line of `key` in it where that is known.
std::string config_place(const CLI::App& app, const TomlConfig& config, const std::string& key) {
  const auto* option = app.get_config_ptr();
  const auto file = option->empty() ? "--config" : option->as<std::string>();
  const auto line = config.line_of(key);
  return line == 0 ? file : concat(file, ":", line);
}

std::string describe(const CLI::App& app, const TomlConfig& config, const CLI::ParseError& error) {
  const auto unknown = app.remaining();
  // A misspelt option comes before one that is missing because of it.
  const bool misspelt = dynamic_cast<const CLI::RequiredError*>(&error) != nullptr &&
                        !unknown.empty() && unknown.front().starts_with("-");
  if (misspelt || dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) {
    const auto word = unknown.empty() ? std::string() : unknown.front();
    return concat("unknown option ", word, did_you_mean(bare_name(word), option_names(app)),
                  "; see --help");
  }
  if (dynamic_cast<const CLI::ConfigError*>(&error) != nullptr) {
    const auto word = last_word(error.what());
    return concat(config_place(app, config, word), ": unknown key ", word,
                  did_you_mean(word, option_names(app)));
  }
  return concat(first_line(error.what()), "; see --help");
}

int report(const CLI::App& app, const std::string& message, int code) {
  std::cerr << app.get_name() << ": " << message << '\n';
  return code;
}

int guarded(const CLI::App& app, const std::function<int()>& work) {
  try {
    return work();
  } catch (const Interrupted&) {
    return kInterrupted;
  } catch (const Error& error) {
    return report(app, error.what(), kUserError);
  } catch (const std::invalid_argument& error) {
    return report(app, error.what(), kUserError);
  } catch (const std::bad_alloc&) {
    return report(app, "out of memory", kFailure);
  } catch (const std::exception& error) {
    return report(app, first_line(error.what()), kFailure);
  }
}

}  // namespace

bool stop_requested() {
  return stop_flag.load();
}

void throw_if_stopped() {
  if (stop_requested()) throw Interrupted();
}

std::string peek_option(int argc, char** argv, const std::string& name, std::string otherwise) {
  CLI::App app;
  app.set_help_flag();
  app.allow_extras();
  app.add_option(name, otherwise);
  app.set_config("--config");
  app.config_formatter(std::make_shared<TomlConfig>());
  app.allow_config_extras(CLI::config_extras_mode::ignore_all);
  try {
    app.parse(argc, argv);
  } catch (const std::exception&) {
    // What is wrong is said when all options are read.
  }
  return otherwise;
}

int run_program(CLI::App& app, int argc, char** argv, const std::function<int()>& work) {
  catch_signals();
  bool print_config = false;
  app.set_version_flag("--version", kVersion);
  app.set_config("--config", "", "read options from this TOML file; the command line wins");
  const auto config = std::make_shared<TomlConfig>();
  app.config_formatter(config);
  app.allow_config_extras(CLI::config_extras_mode::error);
  app.add_flag("--print-config", print_config, "print every option as TOML and stop")
      ->configurable(false);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {
    return app.exit(success);  // --help, --version
  } catch (const CLI::ParseError& error) {
    return report(app, describe(app, *config, error), kUserError);
  } catch (const Error& error) {  // from the file of --config
    return report(app, concat(config_place(app, *config, ""), ":", error.what()), kUserError);
  }
  if (print_config) {
    std::cout << app.config_to_str(/*default_also=*/true, /*write_description=*/true);
    return 0;
  }
  return guarded(app, work);
}

}  // namespace hone::recipes
