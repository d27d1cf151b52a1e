// One optimiser step over gradients that were accumulated exactly: clip, schedule, update.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

#include <hone/training/optimizers.h>
#include <hone/training/schedule.h>

namespace hone {

/// The optimiser and what surrounds it, under transformers' names.
struct OptimizationConfig {
  /// `adamw_torch`, `adamw_8bit`, `lion_32bit`, `adafactor` or `sgd`: see `update_parameters`.
  std::string optim = "adamw_torch";
  double learning_rate = 2e-4;  ///< peak
  double adam_beta1 = 0.9;      ///< AdamW and Lion
  double adam_beta2 = 0.999;    ///< AdamW and Lion
  double adam_epsilon = 1e-8;
  double momentum = 0;      ///< SGD, in [0, 1)
  bool nesterov = false;    ///< SGD: look ahead by the momentum
  double weight_decay = 0;  ///< decoupled; not applied to vectors (norms, biases)
  /// LoRA+ (Hayou et al. 2024): learning rate of each `lora_B` over that of the rest.
  double loraplus_lr_ratio = 1;
  double max_grad_norm = 1;  ///< gradients are scaled down to this 2-norm; 0: never
  ScheduleConfig schedule = {};

  bool operator==(const OptimizationConfig&) const = default;
};

/// Throws `std::invalid_argument` naming the first field that is out of range.
void validate(const OptimizationConfig& config);

/// Updates a fixed list of named parameters from their gradients.
///
/// The caller divides each micro-batch's summed loss by the targets of the whole step before
/// `backward`, so how a step is split into micro-batches changes nothing but rounding.
class Optimization {
 public:
  using Parameters = std::vector<std::pair<std::string, at::Tensor>>;

  /// `total_steps`: updates of the whole run, for the schedule. Throws as `validate`.
  Optimization(Parameters parameters, OptimizationConfig config, std::int64_t total_steps);

  /// What one update did.
  struct Report {
    double learning_rate = 0;  ///< used for this update
    double grad_norm = 0;      ///< 2-norm of all gradients before clipping
  };

  /// Clips, updates every parameter that has a gradient, clears the gradients and counts the
  /// update. Where a gradient is not finite nothing is changed and the norm says so.
  Report step();

  /// Forgets the gradients.
  void zero_grad();

  std::int64_t steps() const { return steps_; }
  const Parameters& parameters() const { return parameters_; }

  /// What the optimiser keeps, by name (`exp_avg.<parameter>`), sharing memory.
  std::map<std::string, at::Tensor> state() const;

  /// Takes a state as `state` gave it, and the number of updates done.
  void restore(const std::map<std::string, at::Tensor>& state, std::int64_t steps);

 private:
  double clip(const std::vector<at::Tensor>& gradients) const;

  Parameters parameters_;
  OptimizationConfig config_;
  std::int64_t total_steps_;
  std::int64_t steps_ = 0;
  std::vector<OptimizerState> states_;  // one for each parameter
};

}  // namespace hone
