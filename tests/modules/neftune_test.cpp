#include <cmath>

#include <ATen/ATen.h>
#include <torch/types.h>

#include <gtest/gtest.h>

#include <hone/neftune.h>

namespace hone {
namespace {

TEST(Neftune, IsUniformNoiseOfEachSequencesOwnSize) {
  torch::manual_seed(1);
  constexpr std::int64_t kWidth = 64;
  const std::vector<std::int64_t> lengths = {400, 25};
  const auto x = at::randn({425, kWidth}, at::kDouble).requires_grad_();
  const auto y = neftune(x, lengths, 5);
  std::int64_t first = 0;
  for (const auto length : lengths) {
    const auto noise = (y - x).detach().narrow(0, first, length);
    const double limit = 5 / std::sqrt(static_cast<double>(length * kWidth));
    EXPECT_LE(noise.abs().max().item<double>(), limit);
    EXPECT_GT(noise.abs().max().item<double>(), 0.99 * limit);
    // Four standard errors of the mean and of the mean square of a uniform number.
    const double count = static_cast<double>(length * kWidth);
    EXPECT_NEAR(noise.mean().item<double>(), 0, 4 * limit / std::sqrt(3 * count));
    EXPECT_NEAR(noise.square().mean().item<double>(), limit * limit / 3,
                4 * limit * limit * std::sqrt(4.0 / 45 / count));
    first += length;
  }
  y.sum().backward();
  EXPECT_TRUE(x.grad().equal(at::ones_like(x)));
}

TEST(Neftune, RefusesLengthsOfOtherTokens) {
  EXPECT_THROW(neftune(at::zeros({3, 2}), {2, 2}, 1), c10::Error);
}

}  // namespace
}  // namespace hone
