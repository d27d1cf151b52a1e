#include <cmath>

#include <ATen/ATen.h>

#include <gtest/gtest.h>

#include <hone/objective/logprobs.h>
#include <hone/objective/losses.h>

namespace hone {
namespace {

TEST(SftLoss, GivesPromptPositionsExactlyNoGradient) {
  at::manual_seed(1);
  const auto logits = at::randn({1, 6, 20}).requires_grad_();
  const auto labels = at::tensor({-100, -100, -100, 5, 6, 7}, at::kLong).unsqueeze(0);
  sft_loss(logits, labels, Reduction::kSum).backward();
  const auto by_position = logits.grad()[0].abs().sum(-1);
  // Positions 2, 3 and 4 predict the targets at 3, 4 and 5.
  for (const std::int64_t position : {0, 1, 5}) EXPECT_EQ(by_position[position].item<double>(), 0);
  for (const std::int64_t position : {2, 3, 4}) EXPECT_GT(by_position[position].item<double>(), 0);
}

TEST(SftLoss, IsTheLecturesSumOrItsMeanOverTargets) {
  const auto logits = at::zeros({2, 4, 50257});
  const auto labels = at::tensor({-100, 1, 2, 3, -100, -100, 1, -100}, at::kLong).view({2, 4});
  EXPECT_NEAR(sft_loss(logits, labels, Reduction::kSum).item<double>(), 4 * std::log(50257.0),
              1e-4);
  EXPECT_NEAR(sft_loss(logits, labels, Reduction::kTokenMean).item<double>(), std::log(50257.0),
              1e-5);
}

TEST(SftLoss, IsZeroWithoutATarget) {
  const auto logits = at::randn({1, 3, 5}).requires_grad_();
  const auto loss = sft_loss(logits, at::full({1, 3}, -100, at::kLong), Reduction::kTokenMean);
  loss.backward();
  EXPECT_EQ(loss.item<double>(), 0);
  EXPECT_EQ(logits.grad().abs().sum().item<double>(), 0);
}

}  // namespace
}  // namespace hone
