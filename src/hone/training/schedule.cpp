#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <stdexcept>
#include <string>
#include <utility>

#include <hone/base/error.h>
#include <hone/base/names.h>
#include <hone/training/schedule.h>

namespace hone {
namespace {

/// What a schedule computes from.
struct Moment {
  double step, total, warmup;

  /// Share of the time after the warm-up that has passed.
  double progress() const { return (step - warmup) / std::max(1.0, total - warmup); }
};

double half_cosine(double x) {
  return 0.5 * (1 + std::cos(std::numbers::pi * x));
}

double above(double floor, double factor) {
  return floor + (1 - floor) * factor;
}

double restarting_cosine(const ScheduleConfig& config, const Moment& at) {
  if (at.progress() >= 1) return 0;
  return half_cosine(std::fmod(static_cast<double>(config.num_cycles) * at.progress(), 1.0));
}

double inverse_root(const ScheduleConfig&, const Moment& at) {
  constexpr double kUsualScale = 10000;  // updates
  const double scale = at.warmup > 0 ? at.warmup : kUsualScale;
  return std::sqrt(scale / (at.step + scale - at.warmup));
}

double stable_then_decay(const ScheduleConfig& config, const Moment& at) {
  const double decay = config.num_decay_steps > 0 ? static_cast<double>(config.num_decay_steps)
                                                  : std::ceil(at.total / 10);
  const double progress = (at.step - (at.total - decay)) / decay;
  return above(config.min_lr_ratio, half_cosine(std::clamp(progress, 0.0, 1.0)));
}

using Shape = double (*)(const ScheduleConfig&, const Moment&);

constexpr std::array<std::pair<const char*, Shape>, 9> kShapes = {{
    {"cosine", [](const ScheduleConfig&, const Moment& at) { return half_cosine(at.progress()); }},
    {"linear", [](const ScheduleConfig&, const Moment& at) { return 1 - at.progress(); }},
    {"constant", [](const ScheduleConfig&, const Moment&) { return 1.0; }},
    {"constant_with_warmup", [](const ScheduleConfig&, const Moment&) { return 1.0; }},
    {"cosine_with_restarts", restarting_cosine},
    {"cosine_with_min_lr",
     [](const ScheduleConfig& config, const Moment& at) {
       return above(config.min_lr_ratio, half_cosine(at.progress()));
     }},
    {"polynomial",
     [](const ScheduleConfig& config, const Moment& at) {
       return above(config.min_lr_ratio, std::pow(std::max(0.0, 1 - at.progress()), config.power));
     }},
    {"inverse_sqrt", inverse_root},
    {"warmup_stable_decay", stable_then_decay},
}};

}  // namespace

std::string schedule_names() {
  return joined(names_in(kShapes));
}

void validate(const ScheduleConfig& config) {
  const auto& type = config.lr_scheduler_type;
  if (find_named(type, kShapes) == nullptr) {
    throw std::invalid_argument("lr_scheduler_type must be one of " + schedule_names() + ", got " +
                                type);
  }
  check_option(config.warmup_steps >= 0, "warmup_steps must not be negative");
  check_option(config.warmup_ratio >= 0 && config.warmup_ratio <= 1,
               "warmup_ratio must be in [0, 1]");
  check_option(config.min_lr_ratio >= 0 && config.min_lr_ratio <= 1,
               "min_lr_ratio must be in [0, 1]");
  check_option(config.num_cycles >= 1, "num_cycles must be at least 1");
  check_option(config.power > 0, "power must be positive");
  check_option(config.num_decay_steps >= 0, "num_decay_steps must not be negative");
}

std::int64_t warmup_of(const ScheduleConfig& config, std::int64_t total) {
  if (config.warmup_steps > 0) return config.warmup_steps;
  return static_cast<std::int64_t>(std::ceil(config.warmup_ratio * static_cast<double>(total)));
}

double learning_rate_factor(const ScheduleConfig& config, std::int64_t step, std::int64_t total) {
  const auto& type = config.lr_scheduler_type;
  const Moment at{.step = static_cast<double>(step),
                  .total = static_cast<double>(total),
                  .warmup = static_cast<double>(warmup_of(config, total))};
  if (at.step < at.warmup && type != "constant") {
    const double factor = at.step / at.warmup;
    return type == "warmup_stable_decay" ? above(config.min_lr_ratio, factor) : factor;
  }
  return std::max(0.0, (*find_named(type, kShapes))(config, at));
}

}  // namespace hone
