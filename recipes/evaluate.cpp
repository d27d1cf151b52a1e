// hone-evaluate: a model before and after fine-tuning, on answers that were held out.
#include <iostream>

#include <nlohmann/json.hpp>

#include <hone/base/error.h>
#include <hone/base/progress.h>
#include <hone/data/tokenized.h>
#include <hone/evaluation/answers.h>
#include <hone/training/sft.h>

#include "comparison.h"
#include "models.h"
#include "options.h"
#include "program.h"

namespace {

using namespace hone;
using namespace hone::recipes;

struct Options {
  ModelOptions model;
  GenerationConfig generation{.max_new_tokens = 64};
  std::string data, eval_data, output;
  std::int64_t limit = 0;
  std::int64_t show = 5;
};

/// Loss and answers of the model as it stands.
Measured measure(const Options& options,
                 const std::string& label,
                 LoadedModel& loaded,
                 const std::vector<AnswerExample>& examples,
                 const std::vector<TokenizedRow>& rows) {
  Measured measured{.label = label};
  if (!rows.empty()) measured.loss = mean_loss(loaded.model, rows, options.generation.batch_size);
  std::vector<std::vector<std::int64_t>> prompts;
  for (const auto& example : examples) prompts.push_back(example.prompt_ids);
  Progress progress(std::cerr, {.label = "answers of " + label,
                                .total = static_cast<std::int64_t>(prompts.size()),
                                .rate_unit = "",
                                .terminal = stderr_is_terminal()});
  Generator generator(loaded.model, loaded.tokenizer);
  measured.answers = generator.generate(
      prompts, options.generation, {}, [&](std::size_t) { progress.advance(1); }, stop_requested);
  measured.scores = score_answers(examples, measured.answers);
  return measured;
}

int evaluate(const Options& options) {
  auto loaded = load_model(options.model);
  const auto chat_template = load_chat_template(options.model, loaded.tokenizer);
  auto examples = read_answer_examples(options.data, chat_template, loaded.tokenizer);
  if (options.limit > 0)
    examples.resize(std::min(examples.size(), static_cast<std::size_t>(options.limit)));
  std::vector<TokenizedRow> rows;
  if (!options.eval_data.empty()) {
    rows = read_tokenized(options.eval_data, {.tokenizer = loaded.tokenizer.hash(),
                                              .vocab_size = loaded.model->config.vocab_size})
               .rows;
  }
  std::vector<Measured> columns;
  {
    const AdaptersOff off(*loaded.model);
    columns.push_back(measure(options, "base", loaded, examples, rows));
  }
  if (!options.model.adapter.empty() && !stop_requested()) {
    columns.push_back(measure(options, "adapter", loaded, examples, rows));
  }
  if (stop_requested()) return kInterrupted;
  print_comparison(std::cout, examples, columns, static_cast<std::size_t>(options.show));
  if (!options.output.empty()) write_json(options.output, comparison_json(examples, columns));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Compare a base model with its adapter on held-out conversations.", "hone-evaluate");
  add_options(app, options.model);
  app.add_option("--data", options.data,
                 "JSONL of conversations whose last turn is the wanted answer")
      ->required();
  app.add_option(flag("eval_data"), options.eval_data,
                 "the same rows tokenized, for the held-out loss");
  app.add_option("--output", options.output, "JSON with every answer and score");
  app.add_option("--limit", options.limit, "only the first rows; 0: all")->capture_default_str();
  app.add_option("--show", options.show, "requests shown side by side")->capture_default_str();
  add_options(app, options.generation);
  return run_program(app, argc, argv, [&] { return evaluate(options); });
}
