#include <algorithm>
#include <cmath>
#include <numbers>
#include <stdexcept>

#include <hone/training/schedule.h>

namespace hone {

void validate(const ScheduleConfig& config) {
  const auto& type = config.lr_scheduler_type;
  if (type != "cosine" && type != "linear" && type != "constant") {
    throw std::invalid_argument("lr_scheduler_type must be cosine, linear or constant, got " +
                                type);
  }
  if (config.warmup_steps < 0) throw std::invalid_argument("warmup_steps must not be negative");
  if (!(config.warmup_ratio >= 0 && config.warmup_ratio <= 1)) {
    throw std::invalid_argument("warmup_ratio must be in [0, 1]");
  }
}

std::int64_t warmup_of(const ScheduleConfig& config, std::int64_t total) {
  if (config.warmup_steps > 0) return config.warmup_steps;
  return static_cast<std::int64_t>(std::ceil(config.warmup_ratio * static_cast<double>(total)));
}

double learning_rate_factor(const ScheduleConfig& config, std::int64_t step, std::int64_t total) {
  const auto warmup = warmup_of(config, total);
  if (step < warmup)
    return static_cast<double>(step) / static_cast<double>(std::max<std::int64_t>(1, warmup));
  if (config.lr_scheduler_type == "constant") return 1;
  const auto rest = static_cast<double>(std::max<std::int64_t>(1, total - warmup));
  if (config.lr_scheduler_type == "linear")
    return std::max(0.0, static_cast<double>(total - step) / rest);
  const double progress = static_cast<double>(step - warmup) / rest;
  return std::max(0.0, 0.5 * (1 + std::cos(std::numbers::pi * progress)));
}

}  // namespace hone
