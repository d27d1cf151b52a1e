#include <cmath>
#include <functional>

#include <ATen/ATen.h>
#include <torch/types.h>

#include <gtest/gtest.h>

#include <hone/kernels/linear_cross_entropy.h>
#include <hone/kernels/rms_norm.h>
#include <hone/kernels/rope.h>
#include <hone/kernels/swiglu.h>

#include "tensor_compare.h"

namespace hone {
namespace {

using testing::relative_difference;
using Function = std::function<Tensor(const std::vector<Tensor>&)>;

/// Runs a kernel and its definition on the same inputs, the definition in double, and compares the
/// results and all gradients.
void expect_same(const Function& kernel,
                 const Function& reference,
                 const std::vector<Tensor>& inputs,
                 at::ScalarType dtype,
                 double tolerance) {
  std::vector<Tensor> narrow, wide;
  for (const auto& input : inputs) {
    narrow.push_back(input.detach().to(dtype).clone().requires_grad_());
    wide.push_back(narrow.back().detach().to(at::kDouble).requires_grad_());
  }
  const auto got = kernel(narrow);
  const auto wanted = reference(wide);
  EXPECT_LT(relative_difference(got, wanted), tolerance);
  const auto direction = at::randn(got.sizes());
  (got * direction.to(got.scalar_type())).sum().backward();
  (wanted * direction.to(got.scalar_type()).to(at::kDouble)).sum().backward();
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    EXPECT_LT(relative_difference(narrow[i].grad(), wide[i].grad()), tolerance) << "gradient " << i;
  }
}

// fp32: some rounding errors of 6e-8 each; bf16: inputs are exact, results round at 2^-9.
constexpr double kFloat = 2e-6;
constexpr double kBrain = 1e-2;

TEST(RmsNorm, EqualsItsDefinition) {
  at::manual_seed(1);
  const Function kernel = [](const auto& in) { return kernels::rms_norm(in[0], in[1], 1e-5); };
  const Function reference = [](const auto& in) {
    return kernels::rms_norm_reference(in[0], in[1], 1e-5);
  };
  for (const std::int64_t size : {3, 7, 16, 576, 1001}) {
    const std::vector<Tensor> inputs = {at::randn({5, size}), at::randn({size})};
    expect_same(kernel, reference, inputs, at::kFloat, kFloat);
    expect_same(kernel, reference, inputs, at::kBFloat16, kBrain);
  }
}

TEST(Swiglu, EqualsItsDefinition) {
  at::manual_seed(2);
  const Function kernel = [](const auto& in) { return kernels::swiglu(in[0], in[1]); };
  const Function reference = [](const auto& in) { return kernels::swiglu_reference(in[0], in[1]); };
  const std::vector<Tensor> inputs = {at::randn({7, 1536}) * 10, at::randn({7, 1536})};
  expect_same(kernel, reference, inputs, at::kFloat, kFloat);
  expect_same(kernel, reference, inputs, at::kBFloat16, kBrain);
}

TEST(Swiglu, StaysFiniteAtTheEnds) {
  const auto gate = at::tensor({-1e30f, -200.0f, 0.0f, 200.0f, 1e30f}).requires_grad_();
  const auto up = at::ones(5);
  const auto y = kernels::swiglu(gate, up);
  y.sum().backward();
  EXPECT_TRUE(at::isfinite(y).all().item<bool>());
  EXPECT_TRUE(at::isfinite(gate.grad()).all().item<bool>()) << gate.grad();
  EXPECT_EQ(y[3].item<float>(), 200.0f);
}

TEST(Rope, EqualsItsDefinition) {
  at::manual_seed(3);
  const auto angles = at::rand({6, 32}) * 100;
  const Function kernel = [&](const auto& in) {
    return kernels::rope(in[0], angles.cos(), angles.sin());
  };
  const Function reference = [&](const auto& in) {
    return kernels::rope_reference(in[0], angles.cos(), angles.sin());
  };
  expect_same(kernel, reference, {at::randn({6, 3, 64})}, at::kFloat, kFloat);
  expect_same(kernel, reference, {at::randn({6, 3, 64})}, at::kBFloat16, kBrain);
}

TEST(LinearCrossEntropy, EqualsItsDefinition) {
  at::manual_seed(4);
  const auto targets = at::randint(0, 1000, {33}, at::kLong);
  for (const double cap : {0.0, 2.0}) {
    const Function kernel = [&](const auto& in) {
      return kernels::linear_cross_entropy(in[0], in[1], targets, cap).reshape({1});
    };
    const Function reference = [&](const auto& in) {
      return kernels::linear_cross_entropy_reference(in[0], in[1], targets, cap).reshape({1});
    };
    expect_same(kernel, reference, {at::randn({33, 64}), at::randn({1000, 64}) / 8}, at::kFloat,
                kFloat);
  }
}

TEST(LinearCrossEntropy, KeepsItsPrecisionForManyWordsAndLargeLogits) {
  // All logits equal: the loss is ln V.
  for (const std::int64_t words : {50257, 151936}) {
    const auto loss = kernels::linear_cross_entropy(at::zeros({1, 2}, at::kBFloat16),
                                                    at::zeros({words, 2}, at::kBFloat16),
                                                    at::zeros({1}, at::kLong));
    EXPECT_NEAR(loss.item<double>(), std::log(static_cast<double>(words)), 1e-5);
  }
  const auto loss_of = [](std::vector<float> logits, std::int64_t target) {
    const auto weight = at::tensor(logits).unsqueeze(1);
    return kernels::linear_cross_entropy(at::ones({1, 1}), weight, at::tensor({target}, at::kLong))
        .item<double>();
  };
  EXPECT_NEAR(loss_of({1000, 0, -1000}, 1), 1000, 1e-4);
  EXPECT_NEAR(loss_of({-5e4, 0, 5e4, 5e4}, 2), 0.693147, 1e-6);
}

TEST(LinearCrossEntropy, PassesNotANumberOn) {
  auto hidden = at::ones({2, 4});
  hidden[1][2] = std::nan("");
  const auto loss =
      kernels::linear_cross_entropy(hidden, at::randn({8, 4}), at::zeros({2}, at::kLong));
  EXPECT_TRUE(std::isnan(loss.item<double>()));
}

}  // namespace
}  // namespace hone
