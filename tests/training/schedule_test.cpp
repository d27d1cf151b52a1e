#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>

#include <hone/training/schedule.h>

namespace hone {
namespace {

TEST(Schedule, EqualsTransformersLists) {
  const auto list = [](const ScheduleConfig& config, std::int64_t total) {
    std::vector<double> factors;
    for (std::int64_t step = 0; step < total; ++step)
      factors.push_back(learning_rate_factor(config, step, total));
    return factors;
  };
  const auto expect = [](const std::vector<double>& got, const std::vector<double>& wanted) {
    ASSERT_EQ(got.size(), wanted.size());
    for (std::size_t i = 0; i < got.size(); ++i)
      EXPECT_NEAR(got[i], wanted[i], 1e-6) << "update " << i;
  };
  // get_linear_schedule_with_warmup and get_cosine_schedule_with_warmup, warm-up 4, 10 updates.
  expect(list({.lr_scheduler_type = "linear", .warmup_steps = 4}, 10),
         {0, .25, .5, .75, 1, .833333, .666667, .5, .333333, .166667});
  expect(list({.lr_scheduler_type = "cosine", .warmup_steps = 4}, 10),
         {0, .25, .5, .75, 1, .933013, .75, .5, .25, .066987});
  expect(list({.lr_scheduler_type = "constant", .warmup_steps = 2}, 4), {0, .5, 1, 1});
  expect(list({.lr_scheduler_type = "constant", .warmup_ratio = 0.3}, 5), {0, .5, 1, 1, 1});
}

TEST(Schedule, RefusesWhatIsOutOfRange) {
  EXPECT_THROW(validate(ScheduleConfig{.lr_scheduler_type = "sine"}), std::invalid_argument);
  EXPECT_THROW(validate(ScheduleConfig{.warmup_steps = -1}), std::invalid_argument);
  EXPECT_THROW(validate(ScheduleConfig{.warmup_ratio = 1.5}), std::invalid_argument);
}

}  // namespace
}  // namespace hone
