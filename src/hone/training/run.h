// A run's folder: metrics, checkpoints when they are due, and a way to stop.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <ostream>
#include <string>

#include <hone/base/json_io.h>
#include <hone/base/metrics_log.h>
#include <hone/base/progress.h>
#include <hone/training/checkpoint.h>

namespace hone {

/// What a run keeps and when, under transformers' names.
struct RunConfig {
  std::filesystem::path output_dir = {};  ///< the run's folder
  bool resume = false;                    ///< go on from the newest checkpoint in it
  bool overwrite_output_dir = false;      ///< start over in a folder that holds a run
  std::int64_t save_steps = 0;  ///< updates between checkpoints; 0: only where the run is stopped
  std::int64_t save_total_limit = 2;  ///< checkpoints kept, the newest; 0: all
  std::int64_t eval_steps = 0;        ///< updates between evaluations; 0: at the end alone
  bool eval_on_start = false;         ///< evaluate before the first update too
  /// The result is the model of the lowest evaluation loss, kept in `best/` meanwhile.
  bool load_best_model_at_end = false;
  /// Evaluations one after the other without a new lowest loss that end the run; 0: never.
  std::int64_t early_stopping_patience = 0;
  std::int64_t logging_steps = 1;  ///< updates between lines of metrics.jsonl

  bool operator==(const RunConfig&) const = default;
};

/// Throws `std::invalid_argument` naming the first field that is out of range.
void validate(const RunConfig& config);

/// Whether what a run does depends on evaluations, so that it needs held-out rows.
bool needs_evaluation(const RunConfig& config);

/// Owns the folder of one training run: `metrics.jsonl`, `step_<N>/`, `best/`, and what the trainer
/// adds at the end.
class Run {
 public:
  /// Creates the folder. Throws `Error` where it holds a run already and neither `resume` nor
  /// `overwrite_output_dir` is set. `progress` may be null: nothing is shown. `stop_requested` is
  /// asked after every step.
  Run(RunConfig config,
      std::ostream* progress,
      bool terminal,
      std::function<bool()> stop_requested);

  /// What `restore` and the checkpoints need of a trainer.
  struct Trained {
    Optimization& optimization;
    BatchCursor& cursor;
    Identity identity;  ///< see `Progression::identity`
    std::function<void(const std::filesystem::path&)>
        save_model;  ///< puts the trained model into a folder
  };

  /// Loads the newest checkpoint where the run resumes. Where it is damaged the error names the
  /// older one to go back to.
  void restore(const Trained& trained);

  /// Starts the progress line for `total_steps` updates of `label`.
  void begin(const std::string& label, std::int64_t total_steps);

  /// One update is done: a line of metrics (every `logging_steps`) and the progress line. `tokens`
  /// is what the update read; `metrics` holds its `step` and `loss`.
  void report(const Json& metrics, double tokens);

  /// Whether an evaluation is due after `step` updates.
  bool evaluation_due(std::int64_t step) const;

  /// An evaluation is done: a line of metrics, and the model is kept where it is the best so far.
  void report_evaluation(const Trained& trained, double eval_loss);

  /// Whether as many evaluations as `early_stopping_patience` found nothing better.
  bool out_of_patience() const;

  /// Saves where a checkpoint is due or a stop is asked for.
  void save_if_due(const Trained& trained);

  /// Whether a stop was asked for; the state is saved then.
  bool stopped() const { return stopped_; }

  /// Ends the progress line and puts the trained model, or the best one, under `final/`. Returns
  /// that folder.
  std::filesystem::path finish(const Trained& trained);

  const RunConfig& config() const { return config_; }

 private:
  /// The evaluation with the lowest loss, the earliest of equals.
  struct Best {
    double loss;
    std::int64_t step;
    std::int64_t evaluations_since = 0;
  };

  void log(const Json& metrics);
  /// Takes an evaluation into account; whether it is the best so far.
  bool note_evaluation(double loss, std::int64_t step);
  void save(const Trained& trained);
  void remove_old_checkpoints() const;

  RunConfig config_;
  std::ostream* out_;
  bool terminal_;
  std::function<bool()> stop_requested_;
  std::optional<MetricsLog> metrics_;
  std::optional<Progress> progress_;
  std::int64_t restored_steps_ = 0;
  std::optional<Best> best_;
  bool stopped_ = false;
};

}  // namespace hone
