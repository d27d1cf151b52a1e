#include <cmath>
#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>

#include <ATen/ATen.h>
#include <torch/types.h>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <hone/base/error.h>
#include <hone/base/files.h>
#include <hone/base/json_io.h>
#include <hone/model/gguf_export.h>
#include <hone/model/gguf_names.h>
#include <hone/model/peft.h>
#include <hone/model/pretrained.h>
#include <hone/model/tensor_files.h>

#include "base/error_of.h"
#include "base/temporary_folder.h"
#include "shared_data.h"
#include "tensor_compare.h"

namespace hone {
namespace {

namespace fs = std::filesystem;
using testing::error_of;
using testing::fixture_path;
using testing::relative_difference;
using testing::same_bits;
using testing::stored;
using testing::TemporaryFolder;

constexpr double kLogits = 1e-5;  // largest difference over largest logit, fp32

Tensor input(const std::string& name) {
  return stored(fixture_path("models/inputs.safetensors"), name);
}

class Models : public ::testing::TestWithParam<const char*> {};

TEST_P(Models, GiveTransformersLogits) {
  torch::NoGradGuard no_grad;
  const auto folder = fixture_path(std::string("models/") + GetParam());
  auto model = load_pretrained(folder);
  const auto expected = folder / "expected.safetensors";
  EXPECT_LT(relative_difference(model(input("input_ids")), stored(expected, "logits")), kLogits);
  EXPECT_LT(relative_difference(model(input("padded_input_ids"), input("attention_mask")),
                                stored(expected, "padded_logits")),
            kLogits);
}

TEST_P(Models, GiveTransformersLoss) {
  torch::NoGradGuard no_grad;
  const auto folder = fixture_path(std::string("models/") + GetParam());
  auto model = load_pretrained(folder);
  const auto ids = input("input_ids")[0];
  // Labels from place 5 on, each predicted from the place before.
  const auto hidden = model->hidden_states(Sequences::single(ids)).narrow(0, 4, 7);
  const auto loss = model->summed_loss(hidden, ids.narrow(0, 5, 7)) / 7;
  EXPECT_NEAR(loss.item<double>(), stored(folder / "expected.safetensors", "loss").item<double>(),
              1e-5);
}

/// `count` greedy tokens behind `prompt`, one forward pass for each over a cache.
std::vector<std::int64_t> greedy_tokens(CausalLM model, const Tensor& prompt, std::int64_t count) {
  torch::NoGradGuard no_grad;
  auto cache = model->make_cache(1, prompt.size(0));
  std::vector<std::int64_t> written;
  auto all = prompt, next = prompt;
  while (static_cast<std::int64_t>(written.size()) < count) {
    if (model->outgrows_cache(cache.lengths()[0], all.size(0))) {
      cache = model->make_cache(1, all.size(0));
      next = all;
    }
    const auto hidden = model->hidden_states(Sequences::single(next), &cache);
    next = model->logits(hidden.narrow(0, hidden.size(0) - 1, 1)).argmax(-1);
    all = at::cat({all, next});
    written.push_back(next.item<std::int64_t>());
  }
  return written;
}

std::vector<std::int64_t> numbers_of(const Tensor& ids) {
  const auto flat = ids.reshape({-1}).contiguous();
  return {flat.const_data_ptr<std::int64_t>(), flat.const_data_ptr<std::int64_t>() + flat.numel()};
}

TEST_P(Models, WriteTransformersGreedyTokens) {
  const auto folder = fixture_path(std::string("models/") + GetParam());
  EXPECT_EQ(greedy_tokens(load_pretrained(folder), input("input_ids")[0].narrow(0, 0, 6), 16),
            numbers_of(stored(folder / "expected.safetensors", "greedy_ids")));
}

TEST_P(Models, CachedEqualsUncached) {
  torch::NoGradGuard no_grad;
  const std::string name = GetParam();
  if (name == "llama_dynamic" || name == "phi3_longrope") return;  // keys keep their first rotation
  auto model = load_pretrained(fixture_path("models/" + name));
  const auto rows = input("padded_input_ids");
  const auto whole = model->hidden_states({rows.reshape({-1}), {9, 9}}).view({2, 9, -1});
  auto cache = model->make_cache(2, 4);
  std::vector<Tensor> parts;
  for (const std::int64_t first : {0, 4, 5, 6, 7, 8}) {
    const std::int64_t count = first == 0 ? 4 : 1;
    const auto ids = rows.narrow(1, first, count).reshape({-1});
    parts.push_back(model->hidden_states({ids, {count, count}}, &cache).view({2, count, -1}));
  }
  EXPECT_LT(relative_difference(at::cat(parts, 1), whole), kLogits);
}

TEST_P(Models, TrainAsFiniteDifferencesSay) {
  auto model =
      load_pretrained(fixture_path(std::string("models/") + GetParam()), {.dtype = at::kDouble});
  const auto ids = input("input_ids")[0];
  const auto loss = [&] {
    const auto hidden = model->hidden_states(Sequences{ids, {5, 7}});
    return model->summed_loss(hidden.narrow(0, 0, 11), ids.narrow(0, 1, 11));
  };
  for (auto& parameter : model->parameters()) parameter.set_requires_grad(true);
  loss().backward();
  torch::NoGradGuard no_grad;
  constexpr double kStep = 1e-5;
  for (auto& item : model->named_parameters()) {
    const auto gradient = item.value().grad();
    ASSERT_TRUE(gradient.defined()) << item.key();
    // Along the gradient itself, where the change is largest.
    const auto norm = gradient.norm().item<double>();
    ASSERT_GT(norm, 0) << item.key();
    const auto direction = gradient / norm;
    item.value().add_(direction, kStep);
    const double above = loss().item<double>();
    item.value().add_(direction, -2 * kStep);
    const double below = loss().item<double>();
    item.value().add_(direction, kStep);
    EXPECT_NEAR((above - below) / (2 * kStep) / norm, 1, 1e-5) << item.key();
  }
}

TEST_P(Models, SurviveARoundTripThroughAFolder) {
  torch::NoGradGuard no_grad;
  const TemporaryFolder scratch;
  auto model = load_pretrained(fixture_path(std::string("models/") + GetParam()));
  save_pretrained(model, scratch / "again");
  auto again = load_pretrained(scratch / "again");
  EXPECT_EQ(again->config, model->config);
  EXPECT_TRUE(same_bits(again(input("input_ids")), model(input("input_ids"))));
}

TEST(Gguf, UndoesTheRowOrderOfQueriesAndKeys) {
  const CausalLMConfig config{.head_dim = 4};
  const auto rows = at::arange(8).unsqueeze(1);
  const auto stored_rows = to_gguf_order("model.layers.0.self_attn.q_proj.weight", rows, config);
  EXPECT_TRUE(at::equal(stored_rows.squeeze(1), at::tensor({0, 2, 1, 3, 4, 6, 5, 7})));
  EXPECT_TRUE(at::equal(
      from_gguf_order("model.layers.0.self_attn.q_proj.weight", stored_rows, config), rows));
  EXPECT_TRUE(
      at::equal(from_gguf_order("model.layers.0.self_attn.v_proj.weight", rows, config), rows));
}

/// The model of a fixture with a changed configuration of the same sizes.
CausalLM changed_model(const std::string& name,
                       const std::function<void(CausalLMConfig&)>& change) {
  torch::NoGradGuard no_grad;
  const auto original = load_pretrained(fixture_path("models/" + name));
  auto config = original->config;
  change(config);
  CausalLM model(config);
  for (auto& item : model->named_parameters())
    item.value().set_data(original->named_parameters()[item.key()].detach());
  return model;
}

/// What llama.cpp has for the family where the fixture has something else.
void as_llama_cpp_has_it(CausalLMConfig& config) {
  const auto& type = config.model_type;
  const bool is_gemma = type == "gemma2" || type == "gemma3_text";
  if (type == "smollm3") config.position_free_layers = {false, false, false};
  if (type == "mistral" || type == "qwen2") config.sliding_window = 0;
  if (type == "qwen2") config.sliding_layers.clear();
  if (is_gemma) config.attention_scale = 1 / std::sqrt(static_cast<double>(config.head_dim));
  if (type == "gemma3_text") config.sliding_layers = {true, true, true};
}

TEST(Gguf, GivesTheSameModelAsTheFolder) {
  torch::NoGradGuard no_grad;
  const TemporaryFolder scratch;
  for (const char* name : {"llama", "llama_tied_bias", "llama_rope3", "llama_linear", "llama_yarn",
                           "mistral", "qwen2", "qwen2_window", "qwen3", "gemma2", "gemma3", "gpt2",
                           "phi3", "phi3_longrope", "smollm3", "olmo2"}) {
    auto model = changed_model(name, as_llama_cpp_has_it);
    save_gguf(model, scratch / "model.gguf", GgmlType::F32);
    auto again = load_pretrained(scratch / "model.gguf");
    EXPECT_LT(relative_difference(again(input("input_ids")), model(input("input_ids"))), 1e-6)
        << name;
  }
}

TEST(Gguf, StoresOtherTypes) {
  torch::NoGradGuard no_grad;
  const TemporaryFolder scratch;
  auto model = load_pretrained(fixture_path("models/llama"));
  const auto ids = input("input_ids");
  // Bounds by the type: 11, 8, about 7 and about 3 bits of each weight.
  for (const auto& [type, bound] : std::map<GgmlType, double>{{GgmlType::F16, 2e-3},
                                                              {GgmlType::BF16, 2e-2},
                                                              {GgmlType::Q8_0, 3e-2},
                                                              {GgmlType::Q4_0, 1}}) {
    save_gguf(model, scratch / "model.gguf", type);
    const auto difference =
        relative_difference(load_pretrained(scratch / "model.gguf")(ids), model(ids));
    EXPECT_GT(difference, 0) << ggml_type_name(type);
    EXPECT_LT(difference, bound) << ggml_type_name(type);
  }
  EXPECT_THROW(save_gguf(model, scratch / "model.gguf", GgmlType::Q4_K), Error);
}

TEST(Gguf, RefusesWhatLlamaCppComputesOtherwise) {
  const TemporaryFolder scratch;
  for (const char* name :
       {"mistral", "qwen2_window", "gemma2", "gemma3", "smollm3", "llama_dynamic"}) {
    const auto model = load_pretrained(fixture_path(std::string("models/") + name));
    const auto message = error_of([&] { save_gguf(model, scratch / "model.gguf", GgmlType::F32); });
    EXPECT_NE(message.find("llama.cpp"), std::string::npos) << name << ": " << message;
    EXPECT_EQ(scratch.size(), 0) << name;
  }
}

TEST(Gguf, FoldsAnAdapterIn) {
  torch::NoGradGuard no_grad;
  const TemporaryFolder scratch;
  auto model = load_pretrained(fixture_path("models/llama"));
  load_adapter(model, fixture_path("models/adapters/all_linear"));
  save_gguf(model, scratch / "model.gguf", GgmlType::F32);
  auto again = load_pretrained(scratch / "model.gguf");
  EXPECT_LT(relative_difference(again(input("input_ids")), model(input("input_ids"))), 1e-5);
}

TEST(Gguf, WritesAnAdapterByItself) {
  torch::NoGradGuard no_grad;
  const TemporaryFolder scratch;
  for (const char* name : {"lora", "rslora", "patterns"}) {
    auto model = load_pretrained(fixture_path("models/llama"));
    load_adapter(model, fixture_path(std::string("models/adapters/") + name));
    save_gguf_adapter(model, scratch / "adapter.gguf");
    const GgufFile file(scratch / "adapter.gguf");
    EXPECT_EQ(file.get_string("adapter.type"), "lora");
    const auto alpha = file.get_float("adapter.lora.alpha");
    // What llama.cpp adds to each weight: alpha / rank times B A, in its own order of rows.
    for (const auto& [path, projection] : named_projections(*model)) {
      if (projection->active_adapter() == nullptr) continue;
      const auto base = gguf_of_parameter(path + ".weight", model->config).value();
      const auto a = expand_tensor(file.tensor(base + ".lora_a"), file.owner());
      const auto b = expand_tensor(file.tensor(base + ".lora_b"), file.owner());
      const auto added = at::matmul(b, a) * (alpha / static_cast<double>(a.size(0)));
      const auto& lora = dynamic_cast<const LoraImpl&>(*projection->active_adapter());
      const auto wanted = to_gguf_order(path + ".weight", lora.weight_delta(), model->config);
      EXPECT_LT(relative_difference(added, wanted), 1e-6) << name << path;
    }
  }
  EXPECT_NE(error_of([&] {
              save_gguf_adapter(load_pretrained(fixture_path("models/llama")), scratch / "x.gguf");
            }).find("no active LoRA"),
            std::string::npos);
}

TEST(Pretrained, ReadsShards) {
  torch::NoGradGuard no_grad;
  auto whole = load_pretrained(fixture_path("models/llama"));
  auto sharded = load_pretrained(fixture_path("models/sharded"));
  EXPECT_TRUE(same_bits(sharded(input("input_ids")), whole(input("input_ids"))));
}

TEST(Pretrained, ReadsFilesOfTorch) {
  torch::NoGradGuard no_grad;
  auto wanted = load_pretrained(fixture_path("models/qwen2"));
  for (const char* name : {"models/torch_file", "models/torch_shards"}) {
    auto model = load_pretrained(fixture_path(name));
    for (const auto& item : wanted->named_parameters())
      EXPECT_TRUE(same_bits(model->named_parameters()[item.key()], item.value())) << item.key();
    EXPECT_TRUE(same_bits(model(input("input_ids")), wanted(input("input_ids")))) << name;
  }
}

TEST(Pretrained, ConvertsAndSavesInOtherDtypes) {
  torch::NoGradGuard no_grad;
  const TemporaryFolder scratch;
  auto model = load_pretrained(fixture_path("models/llama"), {.dtype = at::kBFloat16});
  for (const auto& parameter : model->parameters()) {
    EXPECT_EQ(parameter.scalar_type(), at::kBFloat16);
    EXPECT_FALSE(parameter.requires_grad());
  }
  save_pretrained(model, scratch / "wide", at::kFloat);
  auto wide = load_pretrained(scratch / "wide");
  EXPECT_EQ(wide->parameters()[0].scalar_type(), at::kFloat);
  EXPECT_EQ(read_json(scratch / "wide" / "config.json")["dtype"], "float32");
}

TEST(Pretrained, NamesWhatIsWrong) {
  const TemporaryFolder scratch;
  const auto copy = [&](const std::string& name) {
    const auto folder = scratch / name;
    fs::copy(fixture_path("models/llama"), folder);
    return folder;
  };
  const auto edit = [](const fs::path& folder, const std::function<void(Json&)>& change) {
    auto json = read_json(folder / "config.json");
    change(json);
    write_json(folder / "config.json", json);
  };
  const auto load = [](const fs::path& folder) {
    return error_of([&] { load_pretrained(folder); });
  };

  auto folder = copy("shape");
  edit(folder, [](Json& json) { json["intermediate_size"] = 40; });
  EXPECT_NE(load(folder).find("has shape [48, 32], the model needs [40, 32]"), std::string::npos)
      << load(folder);
  folder = copy("missing");
  edit(folder, [](Json& json) { json["attention_bias"] = true; });
  EXPECT_NE(load(folder).find("q_proj.bias\" is missing"), std::string::npos) << load(folder);
  folder = copy("extra");
  edit(folder, [](Json& json) { json["num_hidden_layers"] = 1; });
  EXPECT_NE(load(folder).find("layers.1."), std::string::npos) << load(folder);
  folder = copy("family");
  edit(folder, [](Json& json) { json["model_type"] = "mamba"; });
  EXPECT_NE(load(folder).find("model_type \"mamba\" is not supported"), std::string::npos);
  folder = copy("activation");
  edit(folder, [](Json& json) { json["hidden_act"] = "relu6"; });
  EXPECT_NE(load(folder).find("hidden_act \"relu6\""), std::string::npos);
  folder = copy("unknown");
  edit(folder, [](Json& json) { json["attention_sinks"] = 4; });
  EXPECT_NE(load(folder).find("\"attention_sinks\": 4 is not known in a llama model"),
            std::string::npos);
  folder = copy("classifier");
  edit(folder, [](Json& json) { json["architectures"] = {"LlamaForSequenceClassification"}; });
  EXPECT_NE(load(folder).find("\"LlamaForSequenceClassification\" is not supported"),
            std::string::npos);
  folder = copy("type");
  edit(folder, [](Json& json) { json["hidden_size"] = "32"; });
  EXPECT_NE(load(folder).find("\"hidden_size\" must be an integer, got \"32\""), std::string::npos);
  folder = copy("heads");
  edit(folder, [](Json& json) { json["num_attention_heads"] = 0; });
  EXPECT_NE(load(folder).find("num_attention_heads must be positive"), std::string::npos);
  folder = copy("rope");
  edit(folder, [](Json& json) {
    json["rope_parameters"] = {{"rope_type", "spiral"}, {"rope_theta", 1e4}};
  });
  EXPECT_NE(load(folder).find("rope_type must be"), std::string::npos);
  folder = copy("truncated");
  fs::resize_file(folder / "model.safetensors", 1000);
  EXPECT_NE(load(folder).find("model.safetensors"), std::string::npos);
  EXPECT_NE(load(scratch / "nowhere").find("no such model folder"), std::string::npos);
  EXPECT_NE(load(scratch.path()).find("config.json"), std::string::npos);
}

TEST(Pretrained, LeavesNothingHalfWritten) {
  const TemporaryFolder scratch;
  auto model = load_pretrained(fixture_path("models/llama"));
  EXPECT_THROW(save_pretrained(model, scratch / "out", at::kComplexFloat), Error);
  EXPECT_TRUE(fs::is_empty(scratch.path()));
}

/// Whether an address lies in the memory map of `path`.
bool is_mapped_from(const fs::path& path, const void* address) {
  std::ifstream maps("/proc/self/maps");
  const auto place = reinterpret_cast<std::uintptr_t>(address);
  for (std::string line; std::getline(maps, line);) {
    std::uintptr_t first = 0, last = 0;
    char dash = 0;
    std::istringstream(line) >> std::hex >> first >> dash >> last;
    if (first <= place && place < last) return line.ends_with(path.string());
  }
  return false;
}

TEST(Pretrained, HoldsNoSecondCopyOfTheWeights) {
  const auto folder = fs::canonical(fixture_path("models/llama"));
  const auto model = load_pretrained(folder);
  for (const auto& item : model->named_parameters()) {
    EXPECT_TRUE(is_mapped_from(folder / "model.safetensors", item.value().data_ptr()))
        << item.key();
  }
}

TEST(Pretrained, SavesOverTheFolderThatIsMapped) {
  torch::NoGradGuard no_grad;
  const TemporaryFolder scratch;
  fs::copy(fixture_path("models/llama"), scratch / "model");
  auto model = load_pretrained(scratch / "model");
  const auto before = model(input("input_ids"));
  save_pretrained(model, scratch / "model");
  EXPECT_TRUE(same_bits(load_pretrained(scratch / "model")(input("input_ids")), before));
}

INSTANTIATE_TEST_SUITE_P(Families,
                         Models,
                         ::testing::Values("llama",
                                           "llama_tied_bias",
                                           "llama_rope3",
                                           "llama_linear",
                                           "llama_dynamic",
                                           "llama_yarn",
                                           "mistral",
                                           "qwen2",
                                           "qwen2_window",
                                           "qwen3",
                                           "gemma2",
                                           "gemma3",
                                           "gpt2",
                                           "phi3",
                                           "phi3_longrope",
                                           "smollm3",
                                           "olmo2"),
                         [](const auto& name) { return std::string(name.param); });

/// [[...], ...] of integers as a tensor.
Tensor matrix(const Json& rows) {
  std::vector<Tensor> all;
  for (const auto& row : rows) all.push_back(at::tensor(row.get<std::vector<std::int64_t>>()));
  return at::stack(all);
}

TEST(SharedModels, GiveTransformersNumbers) {
  const auto models = testing::shared_path("peers/fixtures/models");
  if (!models) GTEST_SKIP() << "the shared data is not here";
  torch::NoGradGuard no_grad;
  for (const auto& entry : fs::directory_iterator(*models)) {
    const auto folder = entry.path();
    auto model = load_pretrained(folder);
    const auto inputs = read_json(folder / "inputs.json");
    const auto expected = folder / "expected.safetensors";
    const auto ids = matrix(inputs["input_ids"]);
    EXPECT_LT(relative_difference(model(ids), stored(expected, "logits")), kLogits) << folder;
    EXPECT_LT(relative_difference(model(matrix(inputs["padded_input_ids"]),
                                        matrix(inputs["padded_attention_mask"])),
                                  stored(expected, "padded_logits")),
              kLogits)
        << folder;
    EXPECT_EQ(greedy_tokens(model, ids[0].narrow(0, 0, 6), 16),
              numbers_of(stored(expected, "greedy_ids")))
        << folder;
  }
}

}  // namespace
}  // namespace hone
