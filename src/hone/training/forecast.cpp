#include <algorithm>
#include <chrono>

#include <hone/base/memory_use.h>
#include <hone/model/peft.h>
#include <hone/model/pretrained.h>
#include <hone/training/forecast.h>

namespace hone {
namespace {

/// The rows of the largest pass.
std::vector<const TokenizedRow*> longest_rows(const std::vector<TokenizedRow>& rows,
                                              std::int64_t count) {
  std::vector<const TokenizedRow*> all;
  for (const auto& row : rows) all.push_back(&row);
  const auto taken = std::min<std::size_t>(all.size(), static_cast<std::size_t>(count));
  std::partial_sort(
      all.begin(), all.begin() + static_cast<std::ptrdiff_t>(taken), all.end(),
      [](const auto* a, const auto* b) { return a->input_ids.size() > b->input_ids.size(); });
  all.resize(taken);
  return all;
}

double tokens_of(const std::vector<const TokenizedRow*>& rows) {
  double tokens = 0;
  for (const auto* row : rows) tokens += static_cast<double>(row->input_ids.size());
  return tokens;
}

}  // namespace

Forecast forecast_of_model(const CausalLM& model, const OptimizationConfig& config) {
  Forecast parts;
  parts.weights = weight_bytes(model);
  for (const auto& item : model->named_parameters()) {
    const auto bytes = static_cast<std::int64_t>(item.value().nbytes());
    if (is_adapter_parameter(item.key())) parts.adapter += bytes;
    if (!item.value().requires_grad()) continue;
    parts.gradients += bytes;
    parts.optimizer += state_bytes(config, item.value());
  }
  return parts;
}

Forecast forecast(SftTrainer& trainer,
                  const CausalLM& model,
                  const SftConfig& config,
                  const std::vector<TokenizedRow>& rows,
                  std::int64_t program) {
  auto parts = forecast_of_model(model, config.optimization);
  parts.program = program;
  const auto longest = longest_rows(rows, config.per_device_train_batch_size);
  forget_peak();
  const auto start = std::chrono::steady_clock::now();
  trainer.probe(longest);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  // Its state is zeros that were never touched: it takes memory from the first update on.
  const auto known = parts.program + parts.weights + parts.adapter + parts.gradients;
  parts.activations = std::max<std::int64_t>(0, peak_resident_bytes() - known);
  double all_tokens = 0;
  for (const auto& row : rows) all_tokens += static_cast<double>(row.input_ids.size());
  const double rows_of_step =
      static_cast<double>(config.per_device_train_batch_size * config.gradient_accumulation_steps);
  const double tokens = all_tokens / static_cast<double>(rows.size()) *
                        std::min(rows_of_step, static_cast<double>(rows.size()));
  parts.step_seconds = seconds.count() * tokens / std::max(1.0, tokens_of(longest));
  return parts;
}

}  // namespace hone
