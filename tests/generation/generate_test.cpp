#include <cmath>

#include <ATen/ATen.h>
#include <torch/types.h>

#include <gtest/gtest.h>

#include <hone/base/error.h>
#include <hone/generation/generate.h>
#include <hone/model/peft.h>
#include <hone/model/pretrained.h>

#include "shared_data.h"
#include "tensor_compare.h"

namespace hone {
namespace {

using testing::fixture_path;
using testing::stored;

using Ids = std::vector<std::int64_t>;

Ids to_ids(const Tensor& tensor) {
  const auto flat = tensor.reshape({-1}).contiguous();
  return {flat.const_data_ptr<std::int64_t>(), flat.const_data_ptr<std::int64_t>() + flat.numel()};
}

/// Any tokenizer with at least as many ids as the tiny models: what it says is not looked at.
Tokenizer some_tokenizer() {
  return load_tokenizer(fixture_path("text/byte_level.json"));
}

/// The tiny model without an end token, so that texts run to their length.
CausalLM endless(const std::string& name) {
  const auto loaded = load_pretrained(fixture_path("models/" + name));
  auto config = loaded->config;
  config.eos_token_ids = {};
  CausalLM model(config);
  torch::NoGradGuard no_grad;
  for (const auto& item : loaded->named_parameters())
    model->named_parameters()[item.key()].copy_(item.value());
  return model;
}

std::vector<Ids> some_prompts() {
  return {{5, 6, 7}, {8}, {9, 10, 11, 12, 13, 14}, {5, 6, 7, 8, 9}, {90, 20, 30}};
}

std::vector<Ids> ids_of(const std::vector<Generation>& generations) {
  std::vector<Ids> ids;
  for (const auto& generation : generations) ids.push_back(generation.ids);
  return ids;
}

TEST(Generator, GivesTransformersGreedyTokens) {
  for (const char* name : {"llama", "llama_tied_bias", "llama_rope3"}) {
    Generator generator(endless(name), some_tokenizer());
    auto prompt = to_ids(stored(fixture_path("models/inputs.safetensors"), "input_ids"));
    prompt.resize(6);
    const auto expected = to_ids(stored(
        fixture_path(std::string("models/") + name + "/expected.safetensors"), "greedy_ids"));
    const auto generations = generator.generate({prompt}, {.max_new_tokens = 16});
    EXPECT_EQ(generations[0].ids, expected) << name;
    EXPECT_EQ(generations[0].finish_reason, FinishReason::kLength);
  }
}

TEST(Generator, DrawsTheSameWhateverElseIsInTheBatch) {
  Generator generator(endless("llama"), some_tokenizer());
  for (const double temperature : {0.0, 1.0}) {
    GenerationConfig config{
        .sampling = {.temperature = temperature}, .max_new_tokens = 12, .seed = 4};
    const auto together = ids_of(generator.generate(some_prompts(), config));
    config.batch_size = 2;
    EXPECT_EQ(ids_of(generator.generate(some_prompts(), config)), together);
    config.batch_size = 1;
    EXPECT_EQ(ids_of(generator.generate(some_prompts(), config)), together);
    if (temperature == 0) continue;
    config.seed = 5;
    EXPECT_NE(ids_of(generator.generate(some_prompts(), config)), together);
  }
}

TEST(Generator, SeesTheAdapterAndItsMergedForm) {
  auto model = endless("llama");
  load_adapter(model, fixture_path("models/adapters/all_linear"));
  Generator generator(model, some_tokenizer());
  const GenerationConfig config{.max_new_tokens = 12};
  const auto adapted = ids_of(generator.generate(some_prompts(), config));
  {
    const AdaptersOff off(*model);
    EXPECT_NE(ids_of(generator.generate(some_prompts(), config)), adapted);
  }
  merge(model);
  EXPECT_EQ(ids_of(generator.generate(some_prompts(), config)), adapted);
}

TEST(Generator, EndsAtAnyEndTokenWithoutWritingIt) {
  auto config = load_config(fixture_path("models/llama"));
  Generator endless_generator(endless("llama"), some_tokenizer());
  const auto free = endless_generator.generate({{5, 6, 7}}, {.max_new_tokens = 12})[0].ids;
  auto model = endless("llama");
  config.eos_token_ids = {95, free[4]};
  CausalLM ending(config);
  torch::NoGradGuard no_grad;
  for (const auto& item : model->named_parameters())
    ending->named_parameters()[item.key()].copy_(item.value());
  Generator generator(ending, some_tokenizer());
  const auto generation = generator.generate({{5, 6, 7}}, {.max_new_tokens = 12})[0];
  const auto first = std::find(free.begin(), free.end(), free[4]);
  EXPECT_EQ(generation.ids, Ids(free.begin(), first));
  EXPECT_EQ(generation.finish_reason, FinishReason::kEndToken);
}

TEST(Generator, StopsWhereTheContextIsFull) {
  Generator generator(endless("llama"), some_tokenizer());  // a context of 64
  const auto generation = generator.generate({Ids(62, 5)}, {.max_new_tokens = 10})[0];
  EXPECT_EQ(generation.ids.size(), 2u);
  EXPECT_EQ(generation.finish_reason, FinishReason::kContextFull);
  EXPECT_THROW(generator.generate({Ids(64, 5)}, {}), Error);
  EXPECT_THROW(generator.generate({Ids{}}, {}), Error);
  EXPECT_THROW(generator.generate({Ids{5, 9999}}, {}), Error);
}

TEST(Generator, StreamsTheTextThatItReturns) {
  Generator generator(endless("llama"), some_tokenizer());
  std::vector<std::string> streamed(5);
  const auto generations = generator.generate(
      some_prompts(), {.sampling = {.temperature = 1}, .max_new_tokens = 20},
      [&](std::size_t index, const std::string& text) { streamed[index] += text; });
  for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(streamed[i], generations[i].text);
}

TEST(Generator, RefusesAModelThatGivesNoNumbers) {
  auto model = endless("llama");
  {
    torch::NoGradGuard no_grad;
    model->named_parameters()["model.norm.weight"].fill_(std::nan(""));
  }
  Generator generator(model, some_tokenizer());
  for (const double temperature : {0.0, 1.0}) {
    EXPECT_THROW(generator.generate({{5, 6, 7}}, {.sampling = {.temperature = temperature}}),
                 Error);
  }
}

}  // namespace
}  // namespace hone
