// hone-sft: supervised fine-tuning of a model on tokenized rows.
#include <filesystem>
#include <iostream>

#include <hone/base/files.h>
#include <hone/data/tokenized.h>
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
  LoraConfig lora;
  SftConfig sft;
  RunConfig run;
  bool is_full() const { return method == "full"; }
};

void add_all(CLI::App& app, Options& options) {
  app.add_option("--model", options.model, "base model: a Hugging Face folder or a .gguf file")
      ->required();
  app.add_option(flag("train_data"), options.train_data, "tokenized rows, made by hone-convert")
      ->required();
  app.add_option(flag("eval_data"), options.eval_data, "tokenized rows for the evaluation loss");
  app.add_option("--method", options.method, "lora, or full: every weight, in fp32")
      ->check(CLI::IsMember({"lora", "full"}))
      ->capture_default_str();
  add_dtype_option(app, options.dtype);
  add_options(app, options.lora);
  add_options(app, options.sft);
  add_options(app, options.run);
}

/// The base, with an adapter on it or with every weight free.
CausalLM model_to_train(const Options& options) {
  torch::manual_seed(options.sft.seed);
  if (options.is_full()) {
    auto model = load_pretrained(options.model, {.dtype = at::kFloat});
    for (auto& parameter : model->parameters()) parameter.set_requires_grad(true);
    return model;
  }
  auto model = load_pretrained(options.model, {.dtype = dtype_of_option(options.dtype)});
  attach(model, options.lora);
  return model;
}

/// `options_file`: every option as TOML, kept beside what they led to.
int train(const Options& options, const std::string& options_file) {
  keep_freed_memory();
  const auto tokenizer = load_tokenizer(options.model);
  const auto config = load_config(options.model);
  const TokenizedCheck check{.tokenizer = tokenizer.hash(),
                             .vocab_size = config.vocab_size,
                             .max_length = config.max_position_embeddings};
  const auto data = read_tokenized(options.train_data, check);
  const auto held_out =
      options.eval_data.empty() ? TokenizedData{} : read_tokenized(options.eval_data, check);

  auto model = model_to_train(options);
  SftTrainer trainer(model, options.sft, static_cast<std::int64_t>(data.rows.size()));
  // Last of all that may be refused: it creates the folder.
  Run run(options.run, &std::cerr, stderr_is_terminal(), stop_requested);
  if (!options.run.resume) write_file(options.run.output_dir / "options.toml", options_file);
  print_start(std::cerr, model, data, trainer.total_steps());

  const auto save = [&](const fs::path& folder) {
    if (options.is_full()) {
      save_pretrained(model, folder);
      save_tokenizer(tokenizer, folder);
    } else {
      save_adapter(model, options.lora, folder, options.model);
    }
  };
  const auto final = trainer.train(data.rows, held_out.rows, run,
                                   identity_of(options.sft, options.method, data), save);
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
  add_all(app, options);
  return run_program(app, argc, argv, [&] {
    return train(options, app.config_to_str(/*default_also=*/true, /*write_description=*/true));
  });
}
