// Learning-rate schedules, as transformers defines them.
#pragma once

#include <cstdint>
#include <string>

namespace hone {

/// The shape of the learning rate over a run.
struct ScheduleConfig {
  /// `cosine`, `linear`, `constant`, `constant_with_warmup`, `cosine_with_restarts`,
  /// `cosine_with_min_lr`, `polynomial`, `inverse_sqrt` or `warmup_stable_decay`.
  std::string lr_scheduler_type = "cosine";
  /// Updates over which the rate rises from 0; wins over `warmup_ratio`.
  std::int64_t warmup_steps = 0;
  double warmup_ratio = 0.03;  ///< the same as a share of all updates, in [0, 1]
  /// Rate at the end over the peak, of `cosine_with_min_lr`, `polynomial` and
  /// `warmup_stable_decay`, in [0, 1].
  double min_lr_ratio = 0;
  std::int64_t num_cycles = 1;       ///< of `cosine_with_restarts`
  double power = 1;                  ///< of `polynomial`
  std::int64_t num_decay_steps = 0;  ///< of `warmup_stable_decay`; 0: a tenth of all updates

  bool operator==(const ScheduleConfig&) const = default;
};

/// What `lr_scheduler_type` may be, with commas between.
std::string schedule_names();

/// Throws `std::invalid_argument` naming the first field that is out of range.
void validate(const ScheduleConfig& config);

/// Updates of the warm-up in a run of `total` updates: `warmup_steps`, or the ratio rounded up.
std::int64_t warmup_of(const ScheduleConfig& config, std::int64_t total);

/// What the peak learning rate is multiplied by at update `step` (the first is 0) of `total`. With
/// a warm-up of W, x = (step - W) / (total - W) and m the `min_lr_ratio`:
///
///     step < W:              step / W             (so the first update of a warm-up moves nothing)
///     constant:              1                    (also during the warm-up)
///     constant_with_warmup:  1
///     linear:                1 - x
///     cosine:                c(x) = (1 + cos(pi x)) / 2
///     cosine_with_restarts:  c(fraction of num_cycles x)
///     cosine_with_min_lr:    m + (1 - m) c(x)
///     polynomial:            m + (1 - m) (1 - x)^power
///     inverse_sqrt:          sqrt(W / step)       (W = 10000 where there is no warm-up: sqrt(W /
///     (step + W))) warmup_stable_decay:   m + (1 - m) f        (f = step / W, then 1, then c over
///     num_decay_steps)
double learning_rate_factor(const ScheduleConfig& config, std::int64_t step, std::int64_t total);

}  // namespace hone
