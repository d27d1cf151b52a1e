#include <ATen/ATen.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>
#include <torch/types.h>

#include <gtest/gtest.h>

#include <hone/parametrize.h>

#include "tensor_compare.h"

namespace hone {
namespace {

using testing::relative_difference;
using testing::same_bits;

/// A model of somebody else's.
struct ConvolutionImpl : torch::nn::Module {
  ConvolutionImpl() {
    conv = register_module("conv", torch::nn::Conv2d(torch::nn::Conv2dOptions(2, 3, 3)));
    head = register_module("head", torch::nn::Linear(3, 4));
    to(at::kDouble);
  }
  Tensor forward(const Tensor& x) { return head(at::tanh(conv(x)).mean({2, 3})); }
  torch::nn::Conv2d conv{nullptr};
  torch::nn::Linear head{nullptr};
};
TORCH_MODULE(Convolution);

TEST(Parametrize, StartsAsTheModelAndLeavesItAlone) {
  at::manual_seed(1);
  Convolution model;
  const auto x = at::randn({5, 2, 6, 6}, at::kDouble);
  const auto before = model(x);
  auto adapted = parametrize(*model, {"conv", "h.*"}, {.r = 2});
  EXPECT_EQ(adapted->layers(), (std::vector<std::string>{"conv", "head"}));
  const auto inside = adapted->with_weights([&] { return model(x); });
  EXPECT_TRUE(same_bits(inside, before));
  inside.square().sum().backward();
  for (const auto& parameter : adapted->parameters()) EXPECT_TRUE(parameter.grad().defined());
  for (const auto& parameter : model->parameters()) EXPECT_FALSE(parameter.grad().defined());
  torch::NoGradGuard no_grad;
  for (auto& parameter : adapted->parameters()) parameter.normal_();
  const auto changed = adapted->with_weights([&] { return model(x); });
  EXPECT_GT(relative_difference(changed, before), 1e-3);
  EXPECT_TRUE(same_bits(model(x), before)) << "outside the model is as it was";
  EXPECT_THROW(adapted->with_weights([&]() -> int { throw 1; }), int);
  EXPECT_TRUE(same_bits(model(x), before)) << "also after an exception";
  adapted->merge();
  EXPECT_LT(relative_difference(model(x), changed), 1e-12);
  EXPECT_LT(relative_difference(adapted->with_weights([&] { return model(x); }), changed), 1e-12);
}

TEST(Parametrize, EqualsLoRALinear) {
  at::manual_seed(2);
  torch::nn::Linear linear(6, 5);
  const auto x = at::randn({3, 6});
  struct Holder : torch::nn::Module {};
  Holder holder;
  holder.register_module("layer", linear);
  const LoraConfig config{.r = 2, .lora_alpha = 5};
  auto adapted = parametrize(holder, {"layer"}, config);
  LoRALinear wrapped(linear, config);
  torch::NoGradGuard no_grad;
  auto parameters = adapted->parameters();
  for (auto& parameter : parameters) parameter.normal_();
  wrapped->lora->lora_A.copy_(parameters[0]);
  wrapped->lora->lora_B.copy_(parameters[1]);
  EXPECT_LT(relative_difference(adapted->with_weights([&] { return linear(x); }), wrapped(x)),
            1e-6);
}

TEST(Parametrize, GradientsEqualFiniteDifferences) {
  at::manual_seed(3);
  Convolution model;
  const auto x = at::randn({2, 2, 5, 5}, at::kDouble);
  auto adapted = parametrize(*model, {"conv"}, {.r = 2});
  const auto loss = [&] { return adapted->with_weights([&] { return model(x).pow(3).sum(); }); };
  {
    torch::NoGradGuard no_grad;
    for (auto& parameter : adapted->parameters()) parameter.normal_();
  }
  loss().backward();
  torch::NoGradGuard no_grad;
  constexpr double kStep = 1e-6;
  for (auto& parameter : adapted->parameters()) {
    auto flat = parameter.detach().view({-1});
    const auto gradient = parameter.grad().reshape({-1});
    for (std::int64_t i = 0; i < flat.numel(); ++i) {
      const double value = flat[i].item<double>();
      flat[i] = value + kStep;
      const double above = loss().item<double>();
      flat[i] = value - kStep;
      const double slope = (above - loss().item<double>()) / (2 * kStep);
      flat[i] = value;
      EXPECT_NEAR(gradient[i].item<double>(), slope, 1e-5 * std::max(1.0, std::abs(slope)));
    }
  }
}

TEST(Parametrize, RefusesPatternsThatMeanNothing) {
  Convolution model;
  EXPECT_THROW(parametrize(*model, {"convolution"}), std::invalid_argument);
  EXPECT_THROW(parametrize(*model, {"(conv"}), std::invalid_argument);
}

}  // namespace
}  // namespace hone
