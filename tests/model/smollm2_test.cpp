// The base model itself, where it was fetched; the ctest of these carries the label slow.
#include <cstdlib>

#include <ATen/ATen.h>
#include <torch/types.h>

#include <gtest/gtest.h>

#include <hone/generation/generate.h>
#include <hone/model/pretrained.h>

#include "shared_data.h"
#include "tensor_compare.h"

namespace hone {
namespace {

namespace fs = std::filesystem;
using testing::fixture_path;
using testing::relative_difference;
using testing::stored;

/// Where tools/fetch-model puts the model.
fs::path base_model_path() {
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return fs::path(value == nullptr ? "" : value);
  };
  auto cache = variable("HONE_CACHE");
  if (cache.empty()) {
    const auto user = variable("XDG_CACHE_HOME");
    cache = (user.empty() ? variable("HOME") / ".cache" : user) / "hone";
  }
  return cache / "SmolLM2-135M-Instruct.Q4_1.gguf";
}

const fs::path kExpected = fixture_path("smollm2/expected.safetensors");

/// The prompts of the fixture.
std::vector<std::vector<std::int64_t>> prompts() {
  const auto ids = stored(kExpected, "prompt_ids");
  const auto lengths = stored(kExpected, "prompt_lengths");
  std::vector<std::vector<std::int64_t>> split;
  const auto* next = ids.const_data_ptr<std::int64_t>();
  for (std::int64_t i = 0; i < lengths.size(0); ++i) {
    const auto length = lengths[i].item<std::int64_t>();
    split.emplace_back(next, next + length);
    next += length;
  }
  return split;
}

/// The model with no end token, as the fixture was made.
CausalLM endless_model() {
  const auto loaded = load_pretrained(base_model_path());
  auto config = loaded->config;
  config.eos_token_ids = {};
  CausalLM model(config);
  for (const auto& item : loaded->named_parameters()) {
    model->named_parameters()[item.key()].set_data(item.value());
  }
  return model;
}

TEST(SmolLM2, GivesTransformersLogits) {
  torch::NoGradGuard no_grad;
  auto model = load_pretrained(base_model_path());
  const auto expected = stored(kExpected, "logits");
  const auto all = prompts();
  for (std::int64_t i = 0; i < expected.size(0); ++i) {
    const auto ids = at::tensor(all[static_cast<std::size_t>(i)], at::kLong);
    const auto hidden = model->hidden_states(Sequences::single(ids));
    const auto logits = model->logits(hidden.slice(0, hidden.size(0) - 1))[0];
    EXPECT_LT(relative_difference(logits.slice(0, 0, logits.size(0), 16), expected[i]), 1e-4);
  }
}

TEST(SmolLM2, GivesTransformersGreedyTokens) {
  // The generator's tokenizer has an end token of its own, so the continuation is taken step by
  // step here.
  torch::NoGradGuard no_grad;
  auto model = endless_model();
  const auto expected = stored(kExpected, "greedy_ids");
  const auto all = prompts();
  auto cache = model->make_cache(static_cast<std::int64_t>(all.size()), 128);
  Sequences sequences;
  std::vector<std::int64_t> ids;
  for (const auto& prompt : all) {
    ids.insert(ids.end(), prompt.begin(), prompt.end());
    sequences.lengths.push_back(static_cast<std::int64_t>(prompt.size()));
  }
  sequences.input_ids = at::tensor(ids, at::kLong);
  std::vector<Tensor> written;
  for (std::int64_t step = 0; step < expected.size(1); ++step) {
    const auto hidden = model->hidden_states(sequences, &cache);
    written.push_back(model->logits(hidden.index_select(0, sequences.last_tokens())).argmax(-1));
    sequences = {written.back(), std::vector<std::int64_t>(all.size(), 1)};
  }
  const auto got = at::stack(written, 1);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto row = static_cast<std::int64_t>(i);
    EXPECT_TRUE(at::equal(got[row], expected[row])) << "prompt " << i << "\n"
                                                    << got[row] << expected[row];
  }
}

}  // namespace
}  // namespace hone
