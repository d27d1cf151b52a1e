#include <cmath>

#include <ATen/ATen.h>
#include <torch/types.h>

#include <gtest/gtest.h>

#include <hone/format/safetensors.h>
#include <hone/model/tensor_files.h>
#include <hone/training/optimization.h>

#include "shared_data.h"
#include "tensor_compare.h"

namespace hone {
namespace {

using testing::fixture_path;
using testing::relative_difference;

/// As `numbers` of make_optimiser_fixtures.py.
at::Tensor numbers(std::int64_t count, std::int64_t shift) {
  const double spread[] = {1, 10, 100, 1000};
  auto made = at::empty({count}, at::kFloat);
  auto* out = made.mutable_data_ptr<float>();
  for (std::int64_t i = 0; i < count; ++i) {
    const auto step = static_cast<double>((i * 7919 + shift * 104729) % 2003);
    out[i] = static_cast<float>((step / 1001.5 - 1) / spread[i % 4]);
  }
  return made;
}

struct Trained {
  at::Tensor parameter;
  std::map<std::string, at::Tensor> state;
};

OptimizationConfig constant_rate(const std::string& optim) {
  return {.optim = optim,
          .learning_rate = 0.01,
          .max_grad_norm = 0,
          .schedule = {.lr_scheduler_type = "constant"}};
}

Trained five_updates(const OptimizationConfig& config, std::vector<std::int64_t> shape) {
  const auto count = c10::multiply_integers(shape);
  auto parameter = numbers(count, 0).view(shape).requires_grad_();
  Optimization optimization({{"w", parameter}}, config, 5);
  for (std::int64_t step = 1; step <= 5; ++step) {
    parameter.mutable_grad() = numbers(count, step).view(shape);
    optimization.step();
  }
  return {parameter.detach(), optimization.state()};
}

at::Tensor every_eighth(const at::Tensor& numbers) {
  return numbers.flatten().slice(0, 0, std::nullopt, 8).contiguous();
}

at::Tensor fixture(const std::string& name) {
  static const SafetensorsFile file(fixture_path("training/optimisers.safetensors"));
  return map_tensor(file.at(name), file.owner());
}

TEST(Optimizers, EqualTorchTransformersAndBitsandbytes) {
  const auto expect = [](const std::string& name, OptimizationConfig config, double decay) {
    config.weight_decay = decay;
    for (const auto& [kind, shape] : std::map<std::string, std::vector<std::int64_t>>{
             {"matrix", {48, 96}}, {"vector", {100}}}) {
      if (kind == "vector" && decay > 0) continue;  // here vectors do not decay, there they do
      const auto got = every_eighth(five_updates(config, shape).parameter);
      EXPECT_LT(relative_difference(got, fixture(name + "." + kind)), 1e-6) << name << " " << kind;
    }
  };
  expect("adamw_torch", constant_rate("adamw_torch"), 0.1);
  expect("lion_32bit", constant_rate("lion_32bit"), 0.1);
  expect("adafactor", constant_rate("adafactor"), 0.1);
  expect("sgd", constant_rate("sgd"), 0);
  auto momentum = constant_rate("sgd");
  momentum.momentum = 0.9;
  expect("sgd_momentum", momentum, 0);
  momentum.nesterov = true;
  expect("sgd_nesterov", momentum, 0);
}

TEST(Optimizers, EightBitMomentsEqualBitsandbytes) {
  auto config = constant_rate("adamw_8bit");
  config.weight_decay = 0.1;
  const auto got = five_updates(config, {48, 96});
  EXPECT_LT(relative_difference(every_eighth(got.parameter), fixture("adamw_8bit.matrix")), 1e-6);
  for (const std::string state : {"state1", "state2"}) {
    EXPECT_TRUE(every_eighth(got.state.at(state + ".w")).equal(fixture("adamw_8bit." + state)))
        << state;
  }
}

TEST(Optimizers, EightBitMomentsTakeAQuarter) {
  const auto config = constant_rate("adamw_8bit");
  const auto large = at::zeros({64, 128}), small = at::zeros({64, 63});
  EXPECT_EQ(state_bytes(config, large), 2 * (64 * 128 + 4 * 32));
  EXPECT_EQ(state_bytes(config, small), 2 * 4 * 64 * 63);
  EXPECT_EQ(state_bytes(constant_rate("sgd"), large), 0);
  EXPECT_EQ(state_bytes(constant_rate("adafactor"), large), 4 * (64 + 128));
  for (const auto& optim : {"adamw_torch", "adamw_8bit", "lion_32bit", "sgd", "adafactor"}) {
    std::int64_t bytes = 0;
    for (const auto& [name, tensor] : start_state(constant_rate(optim), large))
      bytes += static_cast<std::int64_t>(tensor.nbytes());
    EXPECT_EQ(bytes, state_bytes(constant_rate(optim), large)) << optim;
  }
}

TEST(Optimizers, GoOnFromASavedStateBitForBit) {
  for (const auto& optim : {"adamw_torch", "adamw_8bit", "lion_32bit", "sgd", "adafactor"}) {
    auto config = constant_rate(optim);
    if (config.optim == "sgd") config.momentum = 0.9;
    const auto whole = five_updates(config, {48, 96}).parameter;
    auto parameter = numbers(48 * 96, 0).view({48, 96}).requires_grad_();
    auto optimization =
        std::make_unique<Optimization>(Optimization::Parameters{{"w", parameter}}, config, 5);
    for (std::int64_t step = 1; step <= 5; ++step) {
      if (step == 3) {
        std::map<std::string, at::Tensor> saved;
        for (const auto& [name, tensor] : optimization->state()) saved[name] = tensor.clone();
        optimization =
            std::make_unique<Optimization>(Optimization::Parameters{{"w", parameter}}, config, 5);
        optimization->restore(saved, 2);
      }
      parameter.mutable_grad() = numbers(48 * 96, step).view({48, 96});
      optimization->step();
    }
    EXPECT_TRUE(parameter.detach().equal(whole)) << optim;
  }
}

TEST(Optimizers, RefusesUnknownNamesAndMomenta) {
  EXPECT_THROW(validate(constant_rate("adam")), std::invalid_argument);
  auto config = constant_rate("sgd");
  config.momentum = 1;
  EXPECT_THROW(validate(config), std::invalid_argument);
  config.momentum = 0;
  config.nesterov = true;
  EXPECT_THROW(validate(config), std::invalid_argument);
}

}  // namespace
}  // namespace hone
