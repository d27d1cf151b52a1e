#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

#include <ATen/CPUGeneratorImpl.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <nlohmann/json.hpp>

#include <hone/base/error.h>
#include <hone/data/batch.h>
#include <hone/model/peft.h>
#include <hone/training/sft.h>

namespace hone {
namespace {

std::int64_t rows_per_step(const SftConfig& config) {
  return config.per_device_train_batch_size * config.gradient_accumulation_steps;
}

SftConfig validated(SftConfig config) {
  validate(config);
  return config;
}

std::int64_t updates_of(const SftConfig& config, std::int64_t rows) {
  if (config.max_steps > 0) return config.max_steps;
  const BatchCursor cursor(rows, rows_per_step(config), config.seed);
  return static_cast<std::int64_t>(
      std::ceil(config.num_train_epochs * static_cast<double>(cursor.steps_per_epoch())));
}

/// -log p summed over the targets of a batch; a batch without any gives zero.
Tensor summed_loss(CausalLM& model, const TokenBatch& batch) {
  const auto hidden = model->hidden_states(batch.sequences).index_select(0, batch.positions);
  return model->summed_loss(hidden, batch.targets);
}

std::int64_t count_targets(const std::vector<const TokenizedRow*>& rows) {
  std::int64_t targets = 0;
  for (const auto* row : rows) targets += count_trained(*row);
  return targets;
}

std::int64_t count_tokens(const std::vector<const TokenizedRow*>& rows) {
  std::int64_t tokens = 0;
  for (const auto* row : rows) tokens += static_cast<std::int64_t>(row->input_ids.size());
  return tokens;
}

/// Calls `work` with stretches of at most `size` of `rows`.
template <typename Work>
void in_batches(const std::vector<const TokenizedRow*>& rows, std::int64_t size, const Work& work) {
  for (auto first = rows.begin(); first != rows.end();) {
    const auto last = first + std::min<std::ptrdiff_t>(size, rows.end() - first);
    work(std::vector<const TokenizedRow*>(first, last));
    first = last;
  }
}

}  // namespace

void validate(const SftConfig& config) {
  check_option(std::isfinite(config.num_train_epochs) && config.num_train_epochs > 0,
               "num_train_epochs must be positive");
  check_option(config.max_steps >= 0, "max_steps must not be negative");
  check_option(config.per_device_train_batch_size >= 1,
               "per_device_train_batch_size must be at least 1");
  check_option(config.gradient_accumulation_steps >= 1,
               "gradient_accumulation_steps must be at least 1");
  check_option(config.per_device_eval_batch_size >= 1,
               "per_device_eval_batch_size must be at least 1");
  check_option(std::isfinite(config.neftune_noise_alpha) && config.neftune_noise_alpha >= 0,
               "neftune_noise_alpha must not be negative");
  validate(config.optimization);
}

SftTrainer::SftTrainer(CausalLM model, SftConfig config, std::int64_t rows_count)
    : model_(std::move(model)),
      config_(validated(std::move(config))),
      total_steps_(updates_of(config_, rows_count)),
      optimization_(trainable_parameters(model_), config_.optimization, total_steps_) {
  torch::manual_seed(config_.seed);
  model_->model->gradient_checkpointing = config_.gradient_checkpointing;
  model_->model->neftune_noise_alpha = config_.neftune_noise_alpha;
}

SftTrainer::StepReport SftTrainer::step(const std::vector<const TokenizedRow*>& rows) {
  StepReport report{.tokens = count_tokens(rows), .targets = count_targets(rows)};
  report.skipped = report.targets == 0;
  if (report.skipped) return report;
  model_->train();
  const double divisor =
      config_.reduction == Reduction::kTokenMean ? static_cast<double>(report.targets) : 1;
  in_batches(rows, config_.per_device_train_batch_size,
             [&](const auto& batch) { report.loss += accumulate(batch, divisor); });
  if (!std::isfinite(report.loss)) {
    optimization_.zero_grad();
    fail("the loss of step ", optimization_.steps() + 1, " is ", report.loss,
         "; the weights are as after step ", optimization_.steps());
  }
  const auto update = optimization_.step();
  if (!std::isfinite(update.grad_norm)) {
    optimization_.zero_grad();
    fail("a gradient of step ", optimization_.steps() + 1,
         " is not finite; the weights are as after step ", optimization_.steps());
  }
  report.learning_rate = update.learning_rate;
  report.grad_norm = update.grad_norm;
  return report;
}

double SftTrainer::accumulate(const std::vector<const TokenizedRow*>& rows, double divisor) {
  if (count_targets(rows) == 0) return 0;
  const auto loss = summed_loss(model_, collate(rows)) / divisor;
  loss.backward();
  return loss.item<double>();
}

void SftTrainer::probe(const std::vector<const TokenizedRow*>& rows) {
  auto generator = at::detail::getDefaultCPUGenerator();
  const auto state = generator.get_state();
  model_->train();
  accumulate(rows, static_cast<double>(std::max<std::int64_t>(1, count_targets(rows))));
  optimization_.zero_grad();
  generator.set_state(state);
}

double mean_loss(CausalLM& model, const std::vector<TokenizedRow>& rows, std::int64_t batch_size) {
  torch::NoGradGuard no_grad;
  model->eval();
  std::vector<const TokenizedRow*> all;
  for (const auto& row : rows) all.push_back(&row);
  double sum = 0;
  in_batches(all, batch_size, [&](const auto& batch) {
    if (count_targets(batch) > 0) sum += summed_loss(model, collate(batch)).template item<double>();
  });
  return sum / static_cast<double>(std::max<std::int64_t>(1, count_targets(all)));
}

SftTrainer::StepReport SftTrainer::step_of_rows(const std::vector<TokenizedRow>& rows,
                                                const std::vector<std::int64_t>& indices) {
  try {
    return step(pick(rows, indices));
  } catch (const Error& error) {
    std::string names;
    for (const auto index : indices) names += concat(names.empty() ? "" : ", ", index + 1);
    fail(error.what(), "; it was computed from rows ", names);
  }
}

void SftTrainer::evaluate(const std::vector<TokenizedRow>& eval_rows,
                          Run& run,
                          const Run::Trained& trained) {
  if (eval_rows.empty()) return;
  run.report_evaluation(trained, mean_loss(model_, eval_rows, config_.per_device_eval_batch_size));
}

std::filesystem::path SftTrainer::train(
    const std::vector<TokenizedRow>& rows,
    const std::vector<TokenizedRow>& eval_rows,
    Run& run,
    const Identity& identity,
    const std::function<void(const std::filesystem::path&)>& save_model) {
  check_option(!eval_rows.empty() || !needs_evaluation(run.config()),
               "load_best_model_at_end and early_stopping_patience need rows to evaluate");
  BatchCursor cursor(static_cast<std::int64_t>(rows.size()), rows_per_step(config_), config_.seed);
  const Run::Trained trained{optimization_, cursor, identity, save_model};
  run.restore(trained);
  if (optimization_.steps() == 0 && run.config().eval_on_start) evaluate(eval_rows, run, trained);
  run.begin("train", total_steps_);
  while (optimization_.steps() < total_steps_ && !run.stopped() && !run.out_of_patience()) {
    const auto indices = cursor.next();
    const auto update = step_of_rows(rows, indices);
    if (update.skipped) continue;
    run.report({{"step", optimization_.steps()},
                {"epoch", cursor.epochs()},
                {"loss", update.loss},
                {"learning_rate", update.learning_rate},
                {"grad_norm", update.grad_norm},
                {"tokens", update.tokens},
                {"targets", update.targets}},
               static_cast<double>(update.tokens));
    const bool last = optimization_.steps() == total_steps_;
    if (last || run.evaluation_due(optimization_.steps())) evaluate(eval_rows, run, trained);
    run.save_if_due(trained);
  }
  return run.stopped() ? std::filesystem::path() : run.finish(trained);
}

}  // namespace hone
