#include <cmath>

#include <ATen/ATen.h>

#include <gtest/gtest.h>

#include <hone/kernels/linear_cross_entropy.h>
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

/// Case L01: two micro-batches of one update, of 3 and 1 targets.
struct MicroBatch {
  at::Tensor logits;
  at::Tensor labels;
};

std::vector<MicroBatch> two_micro_batches() {
  return {{at::tensor({2., 0., 0., 0., 0., 1., 0., 0., 0., 0., 0., 3.}).view({3, 4}),
           at::tensor({0, 2, 3}, at::kLong)},
          {at::tensor({0., 0., 4., 0., 1., 1., 1., 1., 0., 2., 0., 0.}).view({3, 4}),
           at::tensor({0, -100, -100}, at::kLong)}};
}

TEST(SftLoss, OfAnUpdateIsDividedByAllItsTargetsOnce) {
  constexpr double kLoss = 1.56927952, kNorm = 0.43057997;  // float64, computed elsewhere
  double loss = 0, squares = 0;
  for (auto& [logits, labels] : two_micro_batches()) {
    logits.requires_grad_();
    // The head is the identity, so that the hidden states are the logits.
    const auto targets = labels.ge(0).nonzero().squeeze(1);
    const auto part =
        kernels::linear_cross_entropy(logits.index_select(0, targets), at::eye(4, at::kDouble),
                                      labels.index_select(0, targets)) /
        4;
    part.backward();
    loss += part.item<double>();
    squares += logits.grad().square().sum().item<double>();
  }
  EXPECT_NEAR(loss, kLoss, 1e-8);
  EXPECT_NEAR(std::sqrt(squares), kNorm, 1e-8);
}

TEST(SftLoss, OfOneBatchIsThatOfItsMicroBatches) {
  const auto parts = two_micro_batches();
  // A row in front: sft_loss predicts each token from the position before it.
  const auto logits =
      at::cat({parts[0].logits, parts[1].logits, at::zeros({1, 4}, at::kDouble)}).requires_grad_();
  const auto labels = at::cat({at::full({1}, -100, at::kLong), parts[0].labels, parts[1].labels});
  const auto loss = sft_loss(logits.unsqueeze(0), labels.unsqueeze(0), Reduction::kTokenMean);
  loss.backward();
  EXPECT_NEAR(loss.item<double>(), 1.56927952, 1e-6);
  EXPECT_NEAR(logits.grad().norm().item<double>(), 0.43057997, 1e-6);
}

}  // namespace
}  // namespace hone
