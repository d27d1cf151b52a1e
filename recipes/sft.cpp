// hone-sft: supervised fine-tuning of a model on tokenized rows.
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <iostream>

#include <hone/base/error.h>
#include <hone/base/files.h>
#include <hone/base/memory_use.h>
#include <hone/base/names.h>
#include <hone/data/tokenized.h>
#include <hone/model/adapter_config.h>
#include <hone/model/peft.h>
#include <hone/model/pretrained.h>
#include <hone/text/tokenizer.h>
#include <hone/training/allocator.h>
#include <hone/training/sft.h>

#include "options.h"
#include "program.h"
#include "report.h"

namespace {

namespace fs = std::filesystem;
using namespace hone;
using namespace hone::recipes;

struct Options {
  std::string model, train_data, eval_data;
  std::string method = "lora";
  std::string dtype = "auto";
  std::string quantization = "none";
  PeftConfig peft;
  SftConfig sft;
  RunConfig run;
  bool dry_run = false;
  bool is_full() const { return method == "full"; }
};

/// What is wrong with the name of a method; empty where nothing is.
std::string method_error(const std::string& name) {
  try {
    config_of_method(name);
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

void add_all(CLI::App& app, Options& options) {
  app.add_option("--model", options.model, "base model: a Hugging Face folder or a .gguf file")
      ->required();
  app.add_option(flag("train_data"), options.train_data, "tokenized rows, made by hone-convert")
      ->required();
  app.add_option(flag("eval_data"), options.eval_data, "tokenized rows for the evaluation loss");
  app.add_option("--peft", options.method,
                 "what is trained: full (every weight, in fp32), or a PEFT method, whose options "
                 "--help shows with it: " +
                     joined(peft_method_names()))
      ->check([](const std::string& name) {
        return name == "full" ? std::string() : method_error(name);
      })
      ->capture_default_str();
  add_dtype_option(app, options.dtype);
  add_quantization_option(app, options.quantization);
  if (!options.is_full()) add_options(app, options.peft);
  add_options(app, options.sft);
  add_options(app, options.run);
  app.add_flag(flag("dry_run"), options.dry_run,
               "say what the run would take in memory and time, and stop");
}

/// The configuration with what only the tokenizer knows: the ids of a prompt's first text.
PeftConfig completed(PeftConfig config, const Tokenizer& tokenizer) {
  if (auto* prompt = std::get_if<PromptTuningConfig>(&config))
    prompt->prompt_tuning_init_ids =
        tokenizer.encode(prompt->prompt_tuning_init_text, {.add_special_tokens = true});
  return config;
}

/// The base, with an adapter on it or with every weight free.
CausalLM model_to_train(const Options& options, const Tokenizer& tokenizer) {
  torch::manual_seed(options.sft.seed);
  if (options.is_full()) {
    if (options.quantization != "none")
      throw Error("--quantization: packed weights cannot be trained, only adapters above them");
    auto model = load_pretrained(options.model, {.dtype = at::kFloat});
    for (auto& parameter : model->parameters()) parameter.set_requires_grad(true);
    return model;
  }
  auto model = load_pretrained(options.model, {.dtype = dtype_of_option(options.dtype),
                                               .quantization = quantization(options.quantization)});
  attach(model, completed(options.peft, tokenizer));
  return model;
}

/// What a run can be resumed with: the method and a hash of its fields.
std::string what_is_trained(const Options& options, const CausalLMConfig& config) {
  return options.is_full() ? options.method
                           : concat(options.method, " ", hash_of(options.peft, config));
}

/// `options_file`: every option as TOML, kept beside what they led to.
int train(const Options& options, const std::string& options_file) {
  keep_freed_memory();
  const auto before_model = resident_bytes();
  const auto tokenizer = load_tokenizer(options.model);
  const auto config = load_config(options.model);
  const TokenizedCheck check{.tokenizer = tokenizer.hash(),
                             .vocab_size = config.vocab_size,
                             .max_length = config.max_position_embeddings};
  const auto data = read_tokenized(options.train_data, check);
  const auto held_out =
      options.eval_data.empty() ? TokenizedData{} : read_tokenized(options.eval_data, check);

  if (held_out.rows.empty() && needs_evaluation(options.run))
    fail("--load-best-model-at-end and --early-stopping-patience need --eval-data");

  auto model = model_to_train(options, tokenizer);
  SftTrainer trainer(model, options.sft, static_cast<std::int64_t>(data.rows.size()));
  const auto expected = forecast(trainer, model, options.sft, data.rows, before_model);
  if (options.dry_run) {
    print_start(std::cout, model, options.sft.optimization, data, trainer.total_steps());
    print_forecast(std::cout, expected, trainer.total_steps());
    return 0;
  }
  // Last of all that may be refused: it creates the folder.
  Run run(options.run, &std::cerr, stderr_is_terminal(), stop_requested);
  if (!options.run.resume) write_file(options.run.output_dir / "options.toml", options_file);
  print_start(std::cerr, model, options.sft.optimization, data, trainer.total_steps());

  const auto save = [&](const fs::path& folder) {
    if (options.is_full()) {
      save_pretrained(model, folder);
      save_tokenizer(tokenizer, folder);
    } else {
      save_adapter(model, options.peft, folder, options.model);
    }
  };
  const auto first_step = trainer.optimization().steps();
  const auto start = std::chrono::steady_clock::now();
  const auto final =
      trainer.train(data.rows, held_out.rows, run,
                    identity_of(options.sft, what_is_trained(options, config), data), save);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  print_comparison(std::cerr, expected, trainer.optimization().steps() - first_step,
                   seconds.count());
  if (final.empty()) {
    std::cerr << "stopped after step " << trainer.optimization().steps()
              << "; go on with --resume\n";
    return kInterrupted;
  }
  std::cout << final.string() << '\n';
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Fine-tune a language model on the responses of tokenized conversations.",
               "hone-sft");
  const auto method = peek_option(argc, argv, "--peft", options.method);
  const auto names = peft_method_names();
  // A misspelt method is refused with the options, which are then LoRA's.
  if (std::find(names.begin(), names.end(), method) != names.end())
    options.peft = config_of_method(options.method = method);
  if (method == "full") options.method = method;
  add_all(app, options);
  return run_program(app, argc, argv, [&] {
    return train(options, app.config_to_str(/*default_also=*/true, /*write_description=*/true));
  });
}
