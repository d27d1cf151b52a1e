// hone-generate: answers to one prompt, streamed, or to a file of prompts.
#include <filesystem>
#include <iostream>
#include <optional>

#include <nlohmann/json.hpp>

#include <hone/base/error.h>
#include <hone/base/files.h>
#include <hone/base/progress.h>
#include <hone/base/row_source.h>
#include <hone/data/convert.h>
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
  std::string prompt, system, input, output;
  bool raw = false;
  bool overwrite = false;
};

using Ids = std::vector<std::int64_t>;

/// Turns prompts into ids: by the chat template, or as plain text with `--raw`.
class PromptEncoder {
 public:
  PromptEncoder(const Options& options, const Tokenizer& tokenizer)
      : options_(options), tokenizer_(tokenizer) {
    if (!options.raw) template_.emplace(load_chat_template(options.model, tokenizer));
  }

  Ids from_text(const std::string& text) const {
    if (options_.raw) return encode_prompt(tokenizer_, text);
    Json messages = Json::array();
    if (!options_.system.empty())
      messages.push_back({{"role", "system"}, {"content", options_.system}});
    messages.push_back({{"role", "user"}, {"content", text}});
    return from_messages(messages);
  }

  Ids from_messages(const Json& messages) const {
    if (!template_) throw Error("messages need a chat template; leave out --raw");
    return template_->encode(messages, tokenizer_, {.add_generation_prompt = true}).input_ids;
  }

  /// A row of a prompt file: `prompt`, or `messages` (a last turn of the assistant is left out: it
  /// is the answer).
  Ids from_row(const Json& row, const std::string& place) const {
    if (row.is_object() && row.contains("messages")) {
      auto messages = row["messages"];
      if (!messages.is_array() || messages.empty())
        fail(place, ": \"messages\" must be an array with a message");
      if (messages.back().value("role", "") == "assistant") messages.erase(messages.size() - 1);
      return from_messages(messages);
    }
    if (!row.is_object() || !row.contains("prompt") || !row["prompt"].is_string()) {
      fail(place, ": a row needs \"prompt\" (a string) or \"messages\"");
    }
    return from_text(row["prompt"].get<std::string>());
  }

 private:
  const Options& options_;
  const Tokenizer& tokenizer_;
  std::optional<ChatTemplate> template_;
};

int answer_one(const Options& options) {
  auto loaded = load_model(options.model);
  const PromptEncoder encoder(options, loaded.tokenizer);
  Generator generator(loaded.model, loaded.tokenizer);
  const auto show = [](std::size_t, const std::string& text) { std::cout << text << std::flush; };
  generator.generate({encoder.from_text(options.prompt)}, options.generation, show, {},
                     stop_requested);
  std::cout << '\n';
  return stop_requested() ? kInterrupted : 0;
}

/// Writes each row with its answer, but those without one.
void write_answers(const std::string& path,
                   const std::vector<Json>& rows,
                   const std::vector<std::optional<Generation>>& answers) {
  AtomicFile file(path);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (!answers[i]) continue;
    auto row = rows[i];
    row["completion"] = answers[i]->text;
    row["finish_reason"] = name_of(answers[i]->finish_reason);
    file.write(to_json_line(row) + "\n");
  }
  file.commit();
}

int answer_file(const Options& options) {
  if (std::filesystem::exists(options.output) && !options.overwrite) {
    fail(options.output, ": exists already; give --overwrite to replace it");
  }
  auto loaded = load_model(options.model);
  const PromptEncoder encoder(options, loaded.tokenizer);
  std::vector<Json> rows;
  std::vector<Ids> prompts;
  for_each_line(options.input, [&](std::string_view line, const std::string& place) {
    rows.push_back(parse_json(line, place));
    prompts.push_back(encoder.from_row(rows.back(), place));
  });
  if (rows.empty()) fail(options.input, ": no prompts");
  Progress progress(std::cerr, {.label = "generate",
                                .total = static_cast<std::int64_t>(rows.size()),
                                .rate_unit = "",
                                .terminal = stderr_is_terminal()});
  Generator generator(loaded.model, loaded.tokenizer);
  std::vector<bool> done(rows.size());
  const auto on_done = [&](std::size_t index) {
    done[index] = true;
    progress.advance(1);
  };
  const auto generations =
      generator.generate(prompts, options.generation, {}, on_done, stop_requested);
  progress.finish();
  std::vector<std::optional<Generation>> answers(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (done[i] && generations[i].finish_reason != FinishReason::kInterrupted)
      answers[i] = generations[i];
  }
  const auto path = stop_requested() ? options.output + ".partial" : options.output;
  write_answers(path, rows, answers);
  std::cout << path << '\n';
  return stop_requested() ? kInterrupted : 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Generate answers with a model and an adapter.", "hone-generate");
  add_options(app, options.model);
  app.add_option("--prompt", options.prompt, "the request; its answer is streamed to stdout");
  app.add_option("--input", options.input,
                 "JSONL of \"prompt\" or \"messages\", one request a line");
  app.add_option("--output", options.output,
                 "JSONL to write: the rows of --input with \"completion\"");
  app.add_option("--system", options.system, "system message before each prompt");
  app.add_flag("--raw", options.raw, "plain text: no chat template");
  app.add_flag("--overwrite", options.overwrite, "replace the output file");
  add_options(app, options.generation);
  return run_program(app, argc, argv, [&] {
    const bool has_file = !options.input.empty() && !options.output.empty();
    if (options.prompt.empty() != has_file || options.input.empty() != options.output.empty()) {
      throw Error("give --prompt, or --input with --output");
    }
    return options.input.empty() ? answer_one(options) : answer_file(options);
  });
}
