#include <ATen/ATen.h>
#include <torch/types.h>

#include <gtest/gtest.h>

#include <hone/causal_lm.h>
#include <hone/kernels/linear_cross_entropy.h>

#include "tensor_compare.h"

namespace hone {
namespace {

using testing::relative_difference;

CausalLMConfig tiny() {
  return {.vocab_size = 50,
          .hidden_size = 32,
          .intermediate_size = 48,
          .num_hidden_layers = 2,
          .num_attention_heads = 4,
          .num_key_value_heads = 2,
          .head_dim = 8};
}

CausalLM tiny_model(at::ScalarType dtype = at::kFloat) {
  at::manual_seed(1);
  CausalLM model(tiny());
  model->reset_parameters();
  torch::NoGradGuard no_grad;
  for (auto& parameter : model->parameters()) parameter.mul_(5);
  model->to(dtype);
  return model;
}

Tensor random_ids(std::int64_t count) {
  return at::randint(3, 50, {count}, at::kLong);
}

Sequences join(const std::vector<Tensor>& documents) {
  Sequences joined{at::cat(documents), {}};
  for (const auto& document : documents) joined.lengths.push_back(document.size(0));
  return joined;
}

TEST(CausalLM, PackedEqualsSeparateInLossAndGradients) {
  auto model = tiny_model();
  const std::vector<Tensor> documents = {random_ids(3), random_ids(17), random_ids(4),
                                         random_ids(16), random_ids(1)};
  // Every token is given some target; what it is does not matter as long as both sides agree.
  const auto packed = join(documents);
  const auto targets = packed.input_ids.flip(0);
  const auto packed_loss =
      kernels::linear_cross_entropy(model->hidden_states(packed), model->head_weight(), targets);
  packed_loss.backward();
  std::vector<Tensor> packed_gradients;
  for (auto& parameter : model->parameters()) packed_gradients.push_back(parameter.grad().clone());
  model->zero_grad();
  double separate_loss = 0;
  std::int64_t first = 0;
  for (const auto& document : documents) {
    const auto part = targets.narrow(0, first, document.size(0));
    const auto loss = kernels::linear_cross_entropy(
        model->hidden_states(Sequences::single(document)), model->head_weight(), part);
    loss.backward();
    separate_loss += loss.item<double>();
    first += document.size(0);
  }
  EXPECT_NEAR(packed_loss.item<double>() / separate_loss, 1, 1e-6);
  std::size_t index = 0;
  for (auto& parameter : model->parameters()) {
    EXPECT_LT(relative_difference(packed_gradients[index++], parameter.grad()), 1e-5);
  }
}

TEST(CausalLM, OneDocumentDoesNotSeeAnother) {
  auto model = tiny_model();
  torch::NoGradGuard no_grad;
  const auto b = random_ids(4);
  const auto first = model->logits(model->hidden_states(join({random_ids(3), b}))).narrow(0, 3, 4);
  const auto second = model->logits(model->hidden_states(join({random_ids(3), b}))).narrow(0, 3, 4);
  EXPECT_LE((first - second).abs().max().item<double>(), 1e-6);
}

TEST(CausalLM, PaddedEqualsUnpadded) {
  auto model = tiny_model();
  torch::NoGradGuard no_grad;
  const auto a = random_ids(5), b = random_ids(3);
  for (const bool left : {true, false}) {
    auto ids = at::zeros({2, 5}, at::kLong);
    auto mask = at::zeros({2, 5}, at::kLong);
    ids[0].copy_(a);
    mask[0].fill_(1);
    ids[1].narrow(0, left ? 2 : 0, 3).copy_(b);
    mask[1].narrow(0, left ? 2 : 0, 3).fill_(1);
    const auto logits = model(ids, mask);
    EXPECT_TRUE(at::isfinite(logits).all().item<bool>());
    EXPECT_LT(relative_difference(logits[0], model(a.unsqueeze(0))[0]), 1e-5);
    EXPECT_LT(relative_difference(logits[1].narrow(0, left ? 2 : 0, 3), model(b.unsqueeze(0))[0]),
              1e-5);
    EXPECT_EQ(logits[1].narrow(0, left ? 0 : 3, 2).abs().max().item<double>(), 0);
  }
}

TEST(CausalLM, CachedEqualsUncached) {
  auto model = tiny_model();
  torch::NoGradGuard no_grad;
  const std::vector<Tensor> texts = {random_ids(9), random_ids(6), random_ids(12)};
  auto cache = model->make_cache(3, 4);
  // Prefill of unequal lengths, a second stretch of unequal lengths, then one token at a time.
  const std::vector<std::vector<std::int64_t>> steps = {{3, 1, 5}, {4, 3, 5}, {1, 1, 1}, {1, 1, 1}};
  std::vector<std::int64_t> done(3, 0);
  std::vector<Tensor> pieces(3);
  for (const auto& step : steps) {
    std::vector<Tensor> fresh;
    for (std::size_t s = 0; s < 3; ++s) fresh.push_back(texts[s].narrow(0, done[s], step[s]));
    const auto hidden = model->hidden_states(join(fresh), &cache);
    std::int64_t first = 0;
    for (std::size_t s = 0; s < 3; ++s) {
      const auto part = hidden.narrow(0, first, step[s]);
      pieces[s] = pieces[s].defined() ? at::cat({pieces[s], part}) : part;
      first += step[s];
      done[s] += step[s];
    }
  }
  for (std::size_t s = 0; s < 3; ++s) {
    EXPECT_LT(relative_difference(pieces[s], model->hidden_states(Sequences::single(texts[s]))),
              1e-5);
  }
}

TEST(CausalLM, ACacheKeepsChosenSequences) {
  auto model = tiny_model();
  torch::NoGradGuard no_grad;
  const std::vector<Tensor> texts = {random_ids(4), random_ids(6), random_ids(5)};
  auto cache = model->make_cache(3, 8);
  model->hidden_states(
      join({texts[0].narrow(0, 0, 3), texts[1].narrow(0, 0, 5), texts[2].narrow(0, 0, 4)}), &cache);
  cache.keep({2, 0});
  const auto hidden =
      model->hidden_states(join({texts[2].narrow(0, 4, 1), texts[0].narrow(0, 3, 1)}), &cache);
  EXPECT_LT(relative_difference(hidden[0], model->hidden_states(Sequences::single(texts[2]))[4]),
            1e-5);
  EXPECT_LT(relative_difference(hidden[1], model->hidden_states(Sequences::single(texts[0]))[3]),
            1e-5);
}

TEST(CausalLM, GradientsEqualFiniteDifferencesInDouble) {
  auto model = tiny_model(at::kDouble);
  const auto sequences = join({random_ids(5), random_ids(3)});
  const auto targets = random_ids(8);
  const auto loss = [&] {
    return kernels::linear_cross_entropy(model->hidden_states(sequences), model->head_weight(),
                                         targets);
  };
  loss().backward();
  torch::NoGradGuard no_grad;
  constexpr double kStep = 1e-6;
  for (auto& parameter : model->parameters()) {
    auto flat = parameter.detach().view({-1});
    const auto gradient = parameter.grad().reshape({-1});
    for (const std::int64_t i : {std::int64_t{0}, flat.numel() / 2, flat.numel() - 1}) {
      const double value = flat[i].item<double>();
      flat[i] = value + kStep;
      const double above = loss().item<double>();
      flat[i] = value - kStep;
      const double below = loss().item<double>();
      flat[i] = value;
      const double slope = (above - below) / (2 * kStep);
      EXPECT_NEAR(gradient[i].item<double>(), slope, 1e-5 * std::max(1.0, std::abs(slope)));
    }
  }
}

TEST(CausalLM, GivesLogitsAtTheChosenPositionsOnly) {
  auto model = tiny_model();
  torch::NoGradGuard no_grad;
  const auto sequences = join({random_ids(5), random_ids(3)});
  const auto hidden = model->hidden_states(sequences);
  const auto last = model->logits(hidden.index_select(0, sequences.last_tokens()));
  EXPECT_EQ(last.sizes(), (std::vector<std::int64_t>{2, 50}));
  EXPECT_LT(relative_difference(last[0], model->logits(hidden)[4]), 1e-6);
  EXPECT_LT(relative_difference(last[1], model->logits(hidden)[7]), 1e-6);
}

TEST(CausalLM, ComputesInBf16CloseToFp32) {
  auto wide = tiny_model();
  auto narrow = tiny_model(at::kBFloat16);
  torch::NoGradGuard no_grad;
  const auto ids = random_ids(7).unsqueeze(0);
  const auto logits = narrow(ids);
  EXPECT_EQ(logits.scalar_type(), at::kBFloat16);
  // bf16 keeps 8 bits; errors add up over two layers.
  EXPECT_LT(relative_difference(logits, wide(ids)), 0.05);
}

TEST(CausalLMConfig, RefusesWhatDoesNotFit) {
  auto config = tiny();
  config.num_key_value_heads = 3;
  EXPECT_THROW(validate(config), std::invalid_argument);
  config = tiny();
  config.sliding_layers = {true};
  EXPECT_THROW(validate(config), std::invalid_argument);
  config = tiny();
  config.rope_scaling.rope_type = "spiral";
  EXPECT_THROW(validate(config), std::invalid_argument);
}

TEST(Sequences, TakesRealTokensOutOfAPaddedBatch) {
  const auto ids = at::arange(10, at::kLong).view({2, 5});
  const auto mask = at::tensor({0, 0, 1, 1, 1, 1, 1, 1, 1, 1}, at::kLong).view({2, 5});
  const auto sequences = Sequences::from_padded(ids, mask);
  EXPECT_EQ(sequences.lengths, (std::vector<std::int64_t>{3, 5}));
  EXPECT_TRUE(at::equal(sequences.input_ids, at::arange(2, 10, at::kLong)));
  EXPECT_TRUE(
      at::equal(pad_back(sequences.input_ids, mask)[0], at::tensor({0, 0, 2, 3, 4}, at::kLong)));
  EXPECT_THROW(Sequences::from_padded(ids, at::zeros({2, 5}, at::kLong)), c10::Error);
  EXPECT_THROW(Sequences::from_padded(ids, at::tensor({1, 0, 1, 1, 1, 1, 1, 1, 1, 1}).view({2, 5})),
               c10::Error);
}

}  // namespace
}  // namespace hone
