#include <ATen/ATen.h>
#include <torch/nn/modules/linear.h>
#include <torch/types.h>

#include <gtest/gtest.h>

#include <hone/lora.h>

#include "tensor_compare.h"

namespace hone {
namespace {

using testing::relative_difference;
using testing::same_bits;

struct Foreign {
  torch::nn::Linear linear{torch::nn::LinearOptions(6, 5)};
  Tensor x;
  explicit Foreign(at::ScalarType dtype) {
    linear->to(dtype);
    x = at::randn({3, 2, 6}, dtype);
  }
};

TEST(LoRALinear, StartsAsTheLayerItWrapsBitForBit) {
  at::manual_seed(1);
  Foreign foreign(at::kFloat);
  const auto before = foreign.linear(foreign.x);
  LoRALinear adapted(foreign.linear, LoraConfig{.r = 8, .lora_alpha = 16});
  EXPECT_TRUE(same_bits(adapted(foreign.x), before));
  EXPECT_EQ(adapted->lora->scale(), 2.0);
}

TEST(LoRALinear, OnlyItsHalvesGetGradients) {
  at::manual_seed(2);
  Foreign foreign(at::kFloat);
  LoRALinear adapted(foreign.linear);
  adapted(foreign.x).square().sum().backward();
  EXPECT_TRUE(adapted->lora->lora_A.grad().defined());
  EXPECT_TRUE(adapted->lora->lora_B.grad().defined());
  EXPECT_FALSE(foreign.linear->weight.grad().defined());
  EXPECT_FALSE(foreign.linear->bias.grad().defined());
}

TEST(LoRALinear, GradientsEqualFiniteDifferencesInDouble) {
  at::manual_seed(3);
  Foreign foreign(at::kDouble);
  LoRALinear adapted(foreign.linear, LoraConfig{.r = 2, .lora_alpha = 3});
  torch::NoGradGuard outside;
  adapted->lora->lora_B.normal_();
  const auto loss = [&] { return adapted(foreign.x).pow(3).sum(); };
  {
    torch::AutoGradMode with_gradients(true);
    loss().backward();
  }
  constexpr double kStep = 1e-6;
  for (const auto& parameter : adapted->adapter_parameters()) {
    auto flat = parameter.detach().view({-1});
    const auto gradient = parameter.grad().reshape({-1});
    for (std::int64_t i = 0; i < flat.numel(); ++i) {
      const double value = flat[i].item<double>();
      flat[i] = value + kStep;
      const double above = loss().item<double>();
      flat[i] = value - kStep;
      const double below = loss().item<double>();
      flat[i] = value;
      const double slope = (above - below) / (2 * kStep);
      EXPECT_NEAR(gradient[i].item<double>(), slope, 1e-6 * std::max(1.0, std::abs(slope)));
    }
  }
}

TEST(LoRALinear, MergedEqualsUnmerged) {
  at::manual_seed(4);
  Foreign foreign(at::kDouble);
  LoRALinear adapted(foreign.linear, LoraConfig{.r = 4});
  {
    torch::NoGradGuard no_grad;
    adapted->lora->lora_B.normal_();
  }
  const auto unmerged = adapted(foreign.x).detach();
  const auto base = foreign.linear->weight.detach().clone();
  adapted->merge();
  EXPECT_LT(relative_difference(adapted(foreign.x), unmerged), 1e-12);
  EXPECT_LT(relative_difference(foreign.linear(foreign.x), unmerged), 1e-12)
      << "the wrapped layer is changed too";
  adapted->unmerge();
  EXPECT_LT(relative_difference(foreign.linear->weight, base), 1e-14);
  EXPECT_LT(relative_difference(adapted(foreign.x), unmerged), 1e-12);
}

TEST(Projection, MergesInFp32AndRoundsOnce) {
  // Weight bf16 [1, 0.5, -2, 0.001], update 0.003 on each.
  Projection projection(at::tensor({1.0f, 0.5f, -2.0f, 0.001f}).unsqueeze(0).to(at::kBFloat16),
                        Tensor());
  Lora lora(*projection, LoraConfig{.r = 1, .lora_alpha = 1});
  {
    torch::NoGradGuard no_grad;
    lora->lora_A.fill_(0.003);
    lora->lora_B.fill_(1);
  }
  projection->add_adapter("default", lora.ptr());
  const auto exact = at::tensor({1.003, 0.503, -1.997, 0.00399945}, at::kDouble).unsqueeze(0);
  const auto rounded =
      at::tensor({1.0, 0.50390625, -2.0, 0.003997802734}, at::kDouble).unsqueeze(0);
  EXPECT_LT(
      (projection->folded(at::kFloat).weight.to(at::kDouble) - exact).abs().max().item<double>(),
      1e-7);
  EXPECT_LT((projection->folded(at::kBFloat16).weight.to(at::kDouble) - rounded)
                .abs()
                .max()
                .item<double>(),
            1e-9);
}

TEST(LoraConfig, CountsParametersAsTheLectureDoes) {
  // d = 4096, r = 8: 2 d r = 65,536 of d^2, a share of 0.00390625.
  const LoRALinear adapted(torch::nn::Linear(torch::nn::LinearOptions(4096, 4096).bias(false)),
                           LoraConfig{.r = 8});
  std::int64_t count = 0;
  for (const auto& parameter : adapted->adapter_parameters()) count += parameter.numel();
  EXPECT_EQ(count, 65536);
  EXPECT_EQ(static_cast<double>(count) / (4096.0 * 4096.0), 0.00390625);
}

TEST(LoraConfig, ScalesByRankOrItsRoot) {
  EXPECT_EQ(lora_scale({.use_rslora = true}, 16, 32), 8);
  EXPECT_EQ(lora_scale({.use_rslora = false}, 16, 32), 2);
}

TEST(LoraConfig, RefusesWhatIsOutOfRange) {
  EXPECT_THROW(validate(LoraConfig{.r = 0}), std::invalid_argument);
  EXPECT_THROW(validate(LoraConfig{.lora_alpha = 0}), std::invalid_argument);
  EXPECT_THROW(validate(LoraConfig{.lora_dropout = 1}), std::invalid_argument);
  EXPECT_THROW(validate(LoraConfig{.target_modules = {}}), std::invalid_argument);
}

TEST(Projection, SwitchesAdaptersOffForAScope) {
  at::manual_seed(5);
  Foreign foreign(at::kFloat);
  LoRALinear adapted(foreign.linear);
  {
    torch::NoGradGuard no_grad;
    adapted->lora->lora_B.normal_();
  }
  const auto base = foreign.linear(foreign.x);
  EXPECT_FALSE(same_bits(adapted(foreign.x), base));
  {
    const AdaptersOff off(*adapted);
    const AdaptersOff nested(*adapted);
    EXPECT_TRUE(same_bits(adapted(foreign.x), base));
  }
  EXPECT_FALSE(same_bits(adapted(foreign.x), base));
}

TEST(Projection, DropoutActsWhileTrainingAlone) {
  at::manual_seed(6);
  Foreign foreign(at::kFloat);
  LoRALinear adapted(foreign.linear, LoraConfig{.lora_dropout = 0.5});
  {
    torch::NoGradGuard no_grad;
    adapted->lora->lora_B.normal_();
  }
  adapted->train();
  EXPECT_FALSE(same_bits(adapted(foreign.x), adapted(foreign.x)));
  adapted->eval();
  EXPECT_TRUE(same_bits(adapted(foreign.x), adapted(foreign.x)));
}

}  // namespace
}  // namespace hone
