// hone-chat: a conversation with a model in the terminal.
#include <iostream>
#include <string>

#include <nlohmann/json.hpp>

#include <hone/base/error.h>
#include <hone/generation/generate.h>

#include "models.h"
#include "options.h"
#include "program.h"

namespace {

using namespace hone;
using namespace hone::recipes;

struct Options {
  ModelOptions model;
  GenerationConfig generation;
  std::string system;
};

constexpr const char* kHelp =
    "/reset starts over, /system TEXT sets the system message, /undo takes the last turn back, "
    "/exit ends\n";

Json opening(const std::string& system) {
  Json messages = Json::array();
  if (!system.empty()) messages.push_back({{"role", "system"}, {"content", system}});
  return messages;
}

/// Obeys a line that starts with a slash. False ends the conversation.
bool obey(const std::string& line, Json& messages) {
  constexpr std::string_view kSystem = "/system ";
  if (line == "/exit" || line == "/quit") return false;
  if (line == "/reset") {
    const bool has_system = !messages.empty() && messages[0]["role"] == "system";
    messages = has_system ? Json::array({messages[0]}) : Json::array();
  } else if (line == "/undo") {
    for (int turn = 0; turn < 2 && !messages.empty() && messages.back()["role"] != "system";
         ++turn) {
      messages.erase(messages.size() - 1);
    }
  } else if (line.starts_with(kSystem)) {
    messages = opening(line.substr(kSystem.size()));
  } else {
    std::cerr << kHelp;
  }
  return true;
}

int chat(const Options& options) {
  auto loaded = load_model(options.model);
  const auto chat_template = load_chat_template(options.model, loaded.tokenizer);
  Generator generator(loaded.model, loaded.tokenizer);
  auto messages = opening(options.system);
  auto generation = options.generation;
  std::cerr << kHelp;
  std::string line;
  while (!stop_requested() && (std::cerr << "> " << std::flush, std::getline(std::cin, line))) {
    if (line.empty()) continue;
    if (line.starts_with('/')) {
      if (!obey(line, messages)) break;
      continue;
    }
    messages.push_back({{"role", "user"}, {"content", line}});
    const auto prompt =
        chat_template.encode(messages, loaded.tokenizer, {.add_generation_prompt = true}).input_ids;
    const auto show = [](std::size_t, const std::string& text) { std::cout << text << std::flush; };
    const auto answer = generator.generate({prompt}, generation, show, {}, stop_requested)[0];
    std::cout << '\n';
    messages.push_back({{"role", "assistant"}, {"content", answer.text}});
    ++generation.seed;  // the next turn draws anew
  }
  return stop_requested() ? kInterrupted : 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Talk to a model and an adapter. Requests are read from stdin, one a line.",
               "hone-chat");
  add_options(app, options.model);
  app.add_option("--system", options.system, "system message at the start");
  add_options(app, options.generation);
  return run_program(app, argc, argv, [&] { return chat(options); });
}
