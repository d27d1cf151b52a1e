#include "report.h"

#include <algorithm>
#include <cstdio>

#include <hone/base/error.h>
#include <hone/base/memory_use.h>
#include <hone/base/progress.h>
#include <hone/format/checksum.h>
#include <hone/model/peft.h>

namespace hone::recipes {
namespace {

std::string percent(double share) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f %%", 100 * share);
  return text;
}

double mebibytes(std::int64_t bytes) {
  return static_cast<double>(bytes) / (1 << 20);
}

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.10g", value);
  return text;
}

std::string mebibyte_text(std::int64_t bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f MiB", mebibytes(bytes));
  return text;
}

/// A checksum over every id and label.
std::string hash_of(const TokenizedData& data) {
  Xxh3 hash;
  const auto add = [&](const std::vector<std::int32_t>& numbers) {
    hash.update(
        {reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof numbers[0]});
  };
  for (const auto& row : data.rows) {
    add(row.input_ids);
    add(row.labels);
  }
  return hash.hex_digest();
}

}  // namespace

void print_start(std::ostream& out,
                 const CausalLM& model,
                 const OptimizationConfig& config,
                 const TokenizedData& data,
                 std::int64_t steps) {
  double all = 0, trained = 0;
  for (const auto& parameter : model->parameters()) all += static_cast<double>(parameter.numel());
  all += static_cast<double>(packed_numbers(model));
  for (const auto& [name, parameter] : trainable_parameters(model))
    trained += static_cast<double>(parameter.numel());
  const auto& header = data.header;
  const auto parts = forecast_of_model(model, config);
  out << "training " << format_count(trained) << " of " << format_count(all) << " parameters ("
      << percent(trained / all) << "); weights " << mebibyte_text(parts.weights + parts.adapter)
      << ", gradients " << mebibyte_text(parts.gradients) << ", optimiser "
      << mebibyte_text(parts.optimizer) << "\n"
      << format_count(static_cast<double>(header.rows)) << " rows, "
      << format_count(static_cast<double>(header.tokens)) << " tokens, loss on responses only: "
      << format_count(static_cast<double>(header.trained_tokens)) << " targets ("
      << percent(static_cast<double>(header.trained_tokens) / static_cast<double>(header.tokens))
      << " of the tokens), " << format_count(static_cast<double>(steps)) << " updates\n";
  const auto silent = std::count_if(data.rows.begin(), data.rows.end(),
                                    [](const auto& row) { return count_trained(row) == 0; });
  if (silent > 0)
    out << format_count(static_cast<double>(silent)) << " rows without a target teach nothing\n";
}

void print_forecast(std::ostream& out, const Forecast& forecast, std::int64_t steps) {
  const auto line = [&](const char* part, std::int64_t bytes) {
    char text[64];
    std::snprintf(text, sizeof text, "  %-12s %9.1f MiB\n", part, mebibytes(bytes));
    out << text;
  };
  out << "forecast, from one pass over the longest rows:\n";
  line("program", forecast.program);
  line("weights", forecast.weights);
  line("adapter", forecast.adapter);
  line("gradients", forecast.gradients);
  line("optimizer", forecast.optimizer);
  line("activations", forecast.activations);
  line("peak memory", forecast.total());
  char text[96];
  std::snprintf(text, sizeof text, "  %-12s %9.2f s, %s for %s updates\n", "an update",
                forecast.step_seconds,
                format_duration(forecast.step_seconds * static_cast<double>(steps)).c_str(),
                format_count(steps).c_str());
  out << text;
}

void print_comparison(std::ostream& out,
                      const Forecast& forecast,
                      std::int64_t steps,
                      double seconds) {
  char text[160];
  std::snprintf(
      text, sizeof text, "peak memory %.1f MiB (forecast %.1f), an update %.2f s (forecast %.2f)\n",
      mebibytes(peak_resident_bytes()), mebibytes(forecast.total()),
      seconds / static_cast<double>(std::max<std::int64_t>(1, steps)), forecast.step_seconds);
  out << text;
}

Identity identity_of(const SftConfig& config,
                     const std::string& method,
                     const TokenizedData& data) {
  const auto& o = config.optimization;
  return {{"method", method},
          {"training data", hash_of(data)},
          {"num_train_epochs", number(config.num_train_epochs)},
          {"max_steps", std::to_string(config.max_steps)},
          {"per_device_train_batch_size", std::to_string(config.per_device_train_batch_size)},
          {"gradient_accumulation_steps", std::to_string(config.gradient_accumulation_steps)},
          {"loss_reduction", config.reduction == Reduction::kSum ? "sum" : "token_mean"},
          {"neftune_noise_alpha", number(config.neftune_noise_alpha)},
          {"seed", std::to_string(config.seed)},
          {"optim", o.optim},
          {"learning_rate", number(o.learning_rate)},
          {"lr_scheduler_type", o.schedule.lr_scheduler_type},
          {"warmup_steps", std::to_string(o.schedule.warmup_steps)},
          {"warmup_ratio", number(o.schedule.warmup_ratio)},
          {"min_lr_ratio", number(o.schedule.min_lr_ratio)},
          {"num_cycles", std::to_string(o.schedule.num_cycles)},
          {"power", number(o.schedule.power)},
          {"num_decay_steps", std::to_string(o.schedule.num_decay_steps)},
          {"weight_decay", number(o.weight_decay)},
          {"loraplus_lr_ratio", number(o.loraplus_lr_ratio)},
          {"max_grad_norm", number(o.max_grad_norm)}};
}

}  // namespace hone::recipes
