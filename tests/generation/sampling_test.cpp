#include <cmath>
#include <map>
#include <stdexcept>

#include <gtest/gtest.h>

#include <hone/generation/sampling.h>

namespace hone {
namespace {

const std::vector<float> kFourLogits = {std::log(0.5f), std::log(0.25f), std::log(0.15f),
                                        std::log(0.1f)};

std::vector<std::int64_t> kept_ids(const SamplingConfig& config) {
  std::vector<std::int64_t> ids;
  for (const auto& candidate : candidates(kFourLogits, config, {})) ids.push_back(candidate.id);
  return ids;
}

using Ids = std::vector<std::int64_t>;

TEST(Sampling, KeepsTheTokensThatReachTopP) {
  EXPECT_EQ(kept_ids({.temperature = 1, .top_p = 0}), (Ids{0}));
  EXPECT_EQ(kept_ids({.temperature = 1, .top_p = 0.7}), (Ids{0, 1}));
  EXPECT_EQ(kept_ids({.temperature = 1, .top_p = 0.75}), (Ids{0, 1}));
  EXPECT_EQ(kept_ids({.temperature = 1, .top_p = 1}), (Ids{0, 1, 2, 3}));
}

TEST(Sampling, KeepsTheTopK) {
  EXPECT_EQ(kept_ids({.temperature = 1, .top_k = 0}), (Ids{0, 1, 2, 3}));
  EXPECT_EQ(kept_ids({.temperature = 1, .top_k = 2}), (Ids{0, 1}));
  EXPECT_EQ(kept_ids({.temperature = 1, .top_k = 99}), (Ids{0, 1, 2, 3}));
}

TEST(Sampling, KeepsWhatIsAtLeastAShareOfTheLikeliest) {
  EXPECT_EQ(kept_ids({.temperature = 1, .min_p = 0.4}), (Ids{0, 1}));
  EXPECT_EQ(kept_ids({.temperature = 1, .min_p = 1}), (Ids{0}));
}

TEST(Sampling, IsGreedyAtTemperatureZero) {
  SplitMix random(1);
  EXPECT_EQ(sample(std::vector<float>{1, 3, 2}, {.temperature = 0}, {}, random), 1);
  EXPECT_EQ(sample(std::vector<float>{3, 3, 2}, {.temperature = 0}, {}, random), 0)
      << "of equal ones the smallest id";
}

TEST(Sampling, PenalisesTokensSeenAndNoOthers) {
  // Prompt [1, 3], pad 0: logits [2, -1, .5, 3] become [2, -1.5, .5, 2].
  const auto kept =
      candidates(std::vector<float>{2, -1, .5, 3}, {.temperature = 1, .repetition_penalty = 1.5},
                 std::vector<std::int64_t>{1, 3, 3});
  std::map<std::int64_t, double> probability;
  for (const auto& candidate : kept) probability[candidate.id] = candidate.probability;
  EXPECT_NEAR(std::log(probability[0] / probability[1]), 3.5, 1e-6);
  EXPECT_NEAR(std::log(probability[0] / probability[2]), 1.5, 1e-6);
  EXPECT_NEAR(std::log(probability[0] / probability[3]), 0, 1e-6);
}

TEST(Sampling, DrawsByTheProbabilities) {
  SplitMix random(7);
  std::map<std::int64_t, int> counts;
  constexpr int kDraws = 20000;
  for (int i = 0; i < kDraws; ++i) ++counts[sample(kFourLogits, {.temperature = 1}, {}, random)];
  // Five standard deviations of a binomial count.
  for (const auto& [id, share] :
       std::map<std::int64_t, double>{{0, .5}, {1, .25}, {2, .15}, {3, .1}}) {
    EXPECT_NEAR(counts[id], kDraws * share, 5 * std::sqrt(kDraws * share * (1 - share)));
  }
}

TEST(Sampling, DividesByTheTemperature) {
  const auto kept = candidates(kFourLogits, {.temperature = 0.5}, {});
  EXPECT_NEAR(kept[0].probability / kept[1].probability, 4, 1e-5);
}

TEST(Sampling, RefusesWhatIsOutOfRange) {
  for (const double temperature : {-1.0, std::nan("")}) {
    EXPECT_THROW(validate(SamplingConfig{.temperature = temperature}), std::invalid_argument);
  }
  EXPECT_THROW(validate(SamplingConfig{.top_k = -1}), std::invalid_argument);
  EXPECT_THROW(validate(SamplingConfig{.top_p = 1.1}), std::invalid_argument);
  EXPECT_THROW(validate(SamplingConfig{.min_p = -0.1}), std::invalid_argument);
  EXPECT_THROW(validate(SamplingConfig{.repetition_penalty = 0}), std::invalid_argument);
}

}  // namespace
}  // namespace hone
