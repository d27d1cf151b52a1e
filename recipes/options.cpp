#include "options.h"

#include <algorithm>

#include <hone/model/pretrained.h>
#include <hone/model/tensor_files.h>
#include <hone/text/builtin_templates.h>

namespace hone::recipes {
namespace {

/// `--name` with its default shown.
template <typename T>
CLI::Option* add(CLI::App& app, const std::string& name, T& value, const std::string& help) {
  return app.add_option(flag(name), value, help)->capture_default_str();
}

CLI::Option* add_flag(CLI::App& app,
                      const std::string& name,
                      bool& value,
                      const std::string& help) {
  return app.add_flag(flag(name), value, help);
}

/// `name=value,...`: what some modules have instead.
template <typename T>
void add_field_option(CLI::App& app,
                      const std::string& name,
                      std::map<std::string, T>& values,
                      const std::string& help) {
  const auto read = [&values, name](const std::vector<std::string>& items) {
    for (const auto& item : items) {
      const auto equals = item.rfind('=');
      T value{};
      if (equals == std::string::npos || !CLI::detail::lexical_cast(item.substr(equals + 1), value))
        throw CLI::ValidationError(flag(name), "\"" + item + "\" is not name=number");
      values[item.substr(0, equals)] = value;
    }
  };
  app.add_option_function<std::vector<std::string>>(flag(name), read, help)->delimiter(',');
}

template <typename T>
void add_field_option(CLI::App& app,
                      const std::string& name,
                      std::vector<T>& values,
                      const std::string& help) {
  // LibTorch's headers print vectors in a form of their own, which CLI11 would take as the default.
  std::string shown;
  for (const auto& value : values)
    shown += (shown.empty() ? "" : ",") + CLI::detail::to_string(value);
  app.add_option(flag(name), values, help)->delimiter(',')->default_str("[" + shown + "]");
}

void add_field_option(CLI::App& app,
                      const std::string& name,
                      bool& value,
                      const std::string& help) {
  add_flag(app, name, value, help)->default_str(value ? "true" : "false");
}

template <typename T>
void add_field_option(CLI::App& app, const std::string& name, T& value, const std::string& help) {
  add(app, name, value, help);
}

}  // namespace

std::string flag(const std::string& name) {
  std::string dashed = name;
  std::replace(dashed.begin(), dashed.end(), '_', '-');
  return dashed == name ? "--" + name : "--" + dashed + ",--" + name;
}

void add_options(CLI::App& app, PeftConfig& config) {
  const auto add_field = [&](const char* name, auto& field, const char* help) {
    add_field_option(app, name, field, help);
  };
  std::visit([&](auto& method) { visit_fields(method, add_field); }, config);
}

void add_options(CLI::App& app, OptimizationConfig& config) {
  add(app, "optim", config.optim, "one of " + optimizer_names());
  add(app, "learning_rate", config.learning_rate, "peak learning rate");
  add(app, "lr_scheduler_type", config.schedule.lr_scheduler_type, "one of " + schedule_names());
  add(app, "min_lr_ratio", config.schedule.min_lr_ratio,
      "cosine_with_min_lr, polynomial, warmup_stable_decay: last rate over the peak, [0, 1]");
  add(app, "num_cycles", config.schedule.num_cycles, "cosine_with_restarts: cosines");
  add(app, "power", config.schedule.power, "polynomial: exponent");
  add(app, "num_decay_steps", config.schedule.num_decay_steps,
      "warmup_stable_decay: updates of the decay; 0: a tenth of all");
  add(app, "warmup_steps", config.schedule.warmup_steps,
      "updates of the warm-up; wins over --warmup-ratio");
  add(app, "warmup_ratio", config.schedule.warmup_ratio,
      "warm-up as a share of all updates, [0, 1]");
  add(app, "weight_decay", config.weight_decay, "decoupled weight decay of matrices");
  add(app, "adam_beta1", config.adam_beta1, "AdamW, Lion: decay of the mean of gradients");
  add(app, "adam_beta2", config.adam_beta2,
      "AdamW: decay of the mean of squares; Lion: of the mean");
  add(app, "adam_epsilon", config.adam_epsilon, "AdamW: added to the root");
  add(app, "momentum", config.momentum, "SGD: share of the last step kept, [0, 1)");
  add_flag(app, "nesterov", config.nesterov, "SGD: look ahead by the momentum");
  add(app, "max_grad_norm", config.max_grad_norm,
      "gradients are scaled down to this norm; 0: never");
  add(app, "loraplus_lr_ratio", config.loraplus_lr_ratio,
      "LoRA+: learning rate of each lora_B over that of the rest");
}

void add_options(CLI::App& app, SftConfig& config) {
  add(app, "num_train_epochs", config.num_train_epochs, "passes over the training rows");
  add(app, "max_steps", config.max_steps, "optimiser updates; 0: as many as the epochs take");
  add(app, "per_device_train_batch_size", config.per_device_train_batch_size,
      "rows of one forward and backward pass");
  add(app, "gradient_accumulation_steps", config.gradient_accumulation_steps,
      "passes of one update");
  add(app, "per_device_eval_batch_size", config.per_device_eval_batch_size,
      "rows of one pass in an evaluation");
  add_flag(app, "gradient_checkpointing", config.gradient_checkpointing,
           "compute layers again in the backward pass: less memory, about a third more time");
  add(app, "neftune_noise_alpha", config.neftune_noise_alpha,
      "NEFTune: noise on the embeddings while training, 5 to 15; 0: none");
  add(app, "seed", config.seed, "order of rows, start of the adapter, dropout, noise");
  app.add_option_function<std::string>(
         flag("loss_reduction"),
         [&](const std::string& name) {
           config.reduction = name == "sum" ? Reduction::kSum : Reduction::kTokenMean;
         },
         "token_mean (per update), or sum as in the lecture")
      ->check(CLI::IsMember({"token_mean", "sum"}))
      ->default_str("token_mean");
  add_options(app, config.optimization);
}

void add_options(CLI::App& app, RunConfig& config) {
  app.add_option(flag("output_dir"), config.output_dir,
                 "folder of the run: metrics, checkpoints, the result")
      ->required();
  add_flag(app, "resume", config.resume, "go on from the newest checkpoint in the output folder");
  add_flag(app, "overwrite_output_dir", config.overwrite_output_dir,
           "replace a run that the output folder holds");
  add(app, "save_steps", config.save_steps,
      "updates between checkpoints; 0: only where the run is stopped");
  add(app, "save_total_limit", config.save_total_limit, "checkpoints kept; 0: all");
  add(app, "eval_steps", config.eval_steps, "updates between evaluations; 0: at the end alone");
  add_flag(app, "eval_on_start", config.eval_on_start, "evaluate before the first update too");
  add_flag(app, "load_best_model_at_end", config.load_best_model_at_end,
           "the result is the model of the lowest loss on --eval-data");
  add(app, "early_stopping_patience", config.early_stopping_patience,
      "evaluations without a new lowest loss that end the run; 0: never");
  add(app, "logging_steps", config.logging_steps, "updates between lines of metrics.jsonl");
}

void add_options(CLI::App& app, GenerationConfig& config) {
  add(app, "max_new_tokens", config.max_new_tokens, "tokens written at most");
  add(app, "temperature", config.sampling.temperature,
      "0: the likeliest token always; above: draw");
  add(app, "top_k", config.sampling.top_k, "draw from the k likeliest tokens; 0: all");
  add(app, "top_p", config.sampling.top_p,
      "draw from the likeliest tokens that reach this probability, [0, 1]");
  add(app, "min_p", config.sampling.min_p,
      "draw from tokens at least this share as likely as the likeliest, [0, 1]");
  add(app, "repetition_penalty", config.sampling.repetition_penalty,
      "above 1: words already said become less likely");
  add(app, "seed", config.seed, "the same seed draws the same text");
  add(app, "stop", config.stop_strings, "text that ends the answer; may be given several times")
      ->allow_extra_args(false);
  add(app, "batch_size", config.batch_size, "texts generated at the same time");
}

void add_options(CLI::App& app, ModelOptions& options) {
  app.add_option("--model", options.model, "a Hugging Face folder or a .gguf file")->required();
  app.add_option("--adapter", options.adapter, "adapter folder");
  app.add_option(flag("chat_template"), options.chat_template,
                 "Jinja file, or name of a built-in template (" + builtin_template_list() +
                     "), that replaces the "
                     "model's own");
  add_dtype_option(app, options.dtype);
  add_quantization_option(app, options.quantization);
}

void add_dtype_option(CLI::App& app, std::string& dtype) {
  app.add_option("--dtype", dtype,
                 "numbers of the frozen weights: auto (bfloat16 where the processor has it)")
      ->check(CLI::IsMember({"auto", "float32", "bfloat16"}))
      ->capture_default_str();
}

void add_quantization_option(CLI::App& app, std::string& quantization) {
  app.add_option("--quantization", quantization,
                 "how the frozen matrices are kept in memory: none, stored (a .gguf file's own "
                 "blocks), nf4 or int8 (embedding and head as they are)")
      ->check(CLI::IsMember({"none", "stored", "nf4", "int8"}))
      ->capture_default_str();
}

at::ScalarType dtype_of_option(const std::string& dtype) {
  return dtype == "auto" ? preferred_dtype() : dtype_from_word(dtype).value();
}

}  // namespace hone::recipes
