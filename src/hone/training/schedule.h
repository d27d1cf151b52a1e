// Learning-rate schedules, as transformers defines them.
#pragma once

#include <cstdint>
#include <string>

namespace hone {

/// The shape of the learning rate over a run.
struct ScheduleConfig {
  std::string lr_scheduler_type = "cosine";  ///< `cosine`, `linear` or `constant`
  std::int64_t warmup_steps =
      0;  ///< updates over which the rate rises from 0; wins over `warmup_ratio`
  double warmup_ratio = 0.03;  ///< the same as a share of all updates, in [0, 1]

  bool operator==(const ScheduleConfig&) const = default;
};

/// Throws `std::invalid_argument` naming the first field that is out of range.
void validate(const ScheduleConfig& config);

/// Updates of the warm-up in a run of `total` updates: `warmup_steps`, or the ratio rounded up.
std::int64_t warmup_of(const ScheduleConfig& config, std::int64_t total);

/// What the peak learning rate is multiplied by at update `step` (the first is 0) of `total`. With
/// a warm-up of W:
///
///     step < W:   step / W                       (so the first update of a warm-up moves nothing)
///     constant:   1
///     linear:     (total - step) / (total - W)
///     cosine:     (1 + cos(pi (step - W) / (total - W))) / 2
double learning_rate_factor(const ScheduleConfig& config, std::int64_t step, std::int64_t total);

}  // namespace hone
