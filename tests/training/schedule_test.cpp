#include <stdexcept>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <hone/base/files.h>
#include <hone/base/json_io.h>
#include <hone/training/schedule.h>

#include "shared_data.h"

namespace hone {
namespace {

TEST(Schedule, EqualsTransformersAtEveryUpdate) {
  // Of 40 updates, without and with a warm-up of 8; see make_optimiser_fixtures.py.
  const auto path = testing::fixture_path("training/schedules.json");
  const auto all = parse_json(read_file(path), path.string());
  EXPECT_EQ(all.size(), 9U);
  for (const auto& [type, by_warmup] : all.items()) {
    for (const auto& [warmup, rates] : by_warmup.items()) {
      const ScheduleConfig config{.lr_scheduler_type = type,
                                  .warmup_steps = std::stoll(warmup),
                                  .warmup_ratio = 0,
                                  .min_lr_ratio = 0.1,
                                  .num_cycles = 3,
                                  .power = 2,
                                  .num_decay_steps = 12};
      ASSERT_EQ(rates.size(), 40U);
      for (std::int64_t step = 0; step < 40; ++step) {
        EXPECT_NEAR(learning_rate_factor(config, step, 40),
                    rates.at(static_cast<std::size_t>(step)).get<double>(), 1e-12)
            << type << ", warm-up " << warmup << ", update " << step;
      }
    }
  }
}

TEST(Schedule, WarmsUpByARatio) {
  const ScheduleConfig config{.lr_scheduler_type = "constant_with_warmup", .warmup_ratio = 0.3};
  EXPECT_EQ(warmup_of(config, 5), 2);
  EXPECT_EQ(learning_rate_factor(config, 1, 5), 0.5);
  EXPECT_EQ(learning_rate_factor(config, 2, 5), 1);
}

TEST(Schedule, RefusesWhatIsOutOfRange) {
  EXPECT_THROW(validate(ScheduleConfig{.lr_scheduler_type = "sine"}), std::invalid_argument);
  EXPECT_THROW(validate(ScheduleConfig{.warmup_steps = -1}), std::invalid_argument);
  EXPECT_THROW(validate(ScheduleConfig{.warmup_ratio = 1.5}), std::invalid_argument);
  EXPECT_THROW(validate(ScheduleConfig{.min_lr_ratio = -0.1}), std::invalid_argument);
  EXPECT_THROW(validate(ScheduleConfig{.num_cycles = 0}), std::invalid_argument);
  EXPECT_THROW(validate(ScheduleConfig{.power = 0}), std::invalid_argument);
  EXPECT_THROW(validate(ScheduleConfig{.num_decay_steps = -1}), std::invalid_argument);
}

}  // namespace
}  // namespace hone
