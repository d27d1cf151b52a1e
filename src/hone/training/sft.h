// Supervised fine-tuning: maximise the log-probability of the responses.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <hone/causal_lm.h>
#include <hone/data/tokenized.h>
#include <hone/objective/losses.h>
#include <hone/training/optimization.h>
#include <hone/training/run.h>

namespace hone {

/// Options of `SftTrainer`, under the names of TRL and transformers.
struct SftConfig {
  double num_train_epochs = 1;  ///< passes over the rows; a fraction ends within one
  std::int64_t max_steps = 0;   ///< optimiser updates; 0: as many as the epochs take
  std::int64_t per_device_train_batch_size = 8;  ///< rows of one forward and backward pass
  std::int64_t gradient_accumulation_steps = 1;  ///< passes of one update
  std::int64_t per_device_eval_batch_size = 16;  ///< rows of one forward pass in an evaluation
  Reduction reduction = Reduction::kTokenMean;   ///< what the loss of an update is
  /// Compute each layer again in the backward pass instead of keeping its activations.
  bool gradient_checkpointing = false;
  /// Noise on the embeddings while training (NEFTune, Jain et al. 2023: 5 to 15); 0: none.
  double neftune_noise_alpha = 0;
  std::uint64_t seed = 0;  ///< order of rows, dropout, noise
  OptimizationConfig optimization = {};

  bool operator==(const SftConfig&) const = default;
};

/// Throws `std::invalid_argument` naming the first field that is out of range.
void validate(const SftConfig& config);

/// Mean loss of the labelled tokens of `rows`, in evaluation mode and without gradients,
/// `batch_size` rows at a time.
double mean_loss(CausalLM& model, const std::vector<TokenizedRow>& rows, std::int64_t batch_size);

/// Trains whatever in the model requires a gradient: an adapter that was attached, or every weight.
///
/// `step` is for someone who owns the loop, `train` is the whole run. The random state of
/// LibTorch's CPU generator is the trainer's while it runs.
class SftTrainer {
 public:
  /// `rows_count`: rows of the training set, from which the number of updates follows. Throws as
  /// `validate`.
  SftTrainer(CausalLM model, SftConfig config, std::int64_t rows_count);

  /// What one update did.
  struct StepReport {
    double loss = 0;  ///< of the whole update, as `reduction` says
    std::int64_t tokens = 0;
    std::int64_t targets = 0;
    double learning_rate = 0;
    double grad_norm = 0;
    bool skipped = false;  ///< no row had a target: nothing was changed
  };

  /// One update over `rows`, in passes of `per_device_train_batch_size`. The loss is divided once
  /// by all targets of the update, so the passes change nothing but rounding. Throws `Error` where
  /// the loss is not finite; the weights are then as before.
  StepReport step(const std::vector<const TokenizedRow*>& rows);

  /// Forward and backward of one pass over `rows`, without an update: for measurements. Weights,
  /// gradients and random state are afterwards as before.
  void probe(const std::vector<const TokenizedRow*>& rows);

  /// The run: restore, then rows, update, report, save until the updates are done or a stop is
  /// asked for. `save_model` puts the trained model into a folder; `identity` names the data.
  /// Evaluates `eval_rows` (may be empty unless `needs_evaluation`) as `run` asks. Returns the
  /// folder of the final model; empty where the run was stopped.
  std::filesystem::path train(const std::vector<TokenizedRow>& rows,
                              const std::vector<TokenizedRow>& eval_rows,
                              Run& run,
                              const Identity& identity,
                              const std::function<void(const std::filesystem::path&)>& save_model);

  std::int64_t total_steps() const { return total_steps_; }
  Optimization& optimization() { return optimization_; }

 private:
  double accumulate(const std::vector<const TokenizedRow*>& rows, double divisor);
  StepReport step_of_rows(const std::vector<TokenizedRow>& rows,
                          const std::vector<std::int64_t>& indices);
  void evaluate(const std::vector<TokenizedRow>& eval_rows, Run& run, const Run::Trained& trained);

  CausalLM model_;
  SftConfig config_;
  std::int64_t total_steps_;
  Optimization optimization_;
};

}  // namespace hone
