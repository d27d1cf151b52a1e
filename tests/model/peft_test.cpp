#include <fstream>
#include <functional>

#include <ATen/ATen.h>
#include <torch/types.h>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <hone/base/error.h>
#include <hone/base/files.h>
#include <hone/base/json_io.h>
#include <hone/model/peft.h>
#include <hone/model/pretrained.h>
#include <hone/model/weighted_adapter.h>

#include "base/error_of.h"
#include "base/temporary_folder.h"
#include "model/tiny_inputs.h"

namespace hone {
namespace {

namespace fs = std::filesystem;
using testing::error_of;
using testing::fixture_path;
using testing::input_ids;
using testing::relative_difference;
using testing::same_bits;
using testing::stored;
using testing::TemporaryFolder;

CausalLM base_model() {
  return load_pretrained(fixture_path("models/llama"));
}

void randomise(CausalLM& model) {
  torch::NoGradGuard no_grad;
  for (auto& [name, parameter] : trainable_parameters(model)) parameter.normal_(0, 0.2);
}

TEST(SharedAdapters, GivePeftsLogits) {
  const auto shared = testing::shared_path("peers/fixtures");
  if (!shared) GTEST_SKIP() << "the shared data is not here";
  torch::NoGradGuard no_grad;
  for (const auto& entry : fs::directory_iterator(*shared / "adapters")) {
    const auto& folder = entry.path();
    SCOPED_TRACE(folder.filename().string());
    const auto meta = read_json(folder / "meta.json");
    const auto base = *shared / "models" / meta["base"].get<std::string>();
    auto model = load_pretrained(base);
    load_adapter(model, folder);
    const auto inputs = read_json(base / "inputs.json");
    const auto ids =
        at::tensor(inputs["input_ids"][0].get<std::vector<std::int64_t>>()).unsqueeze(0);
    const SafetensorsFile expected(folder / "expected.safetensors");
    const auto wanted = [&](const char* key) {
      // Virtual tokens show in PEFT's logits, in front.
      const auto all = map_tensor(expected.at(key), expected.owner());
      return all.slice(1, all.size(1) - ids.size(1));
    };
    EXPECT_LT(relative_difference(model(ids), wanted("logits")), 1e-5);
    if (expected.find("merged_logits") == nullptr) {
      EXPECT_NE(error_of([&] { merge(model); }), "");
      continue;
    }
    merge(model);
    EXPECT_LT(relative_difference(model(ids), wanted("merged_logits")), 1e-5);
    unmerge(model);
    EXPECT_LT(relative_difference(model(ids), wanted("logits")), 1e-5);
  }
}

TEST(Attach, ChangesNothingAndTrainsOnlyTheAdapter) {
  auto model = base_model();
  const auto before = model(input_ids());
  attach(model, LoraConfig{.target_modules = {"all-linear"}});
  const auto after = model(input_ids());
  EXPECT_TRUE(same_bits(after, before));
  after.square().sum().backward();
  std::int64_t adapters = 0;
  for (const auto& item : model->named_parameters()) {
    const bool of_adapter = item.key().find(".adapters.") != std::string::npos;
    adapters += of_adapter;
    EXPECT_EQ(item.value().requires_grad(), of_adapter) << item.key();
    EXPECT_EQ(item.value().grad().defined(), of_adapter) << item.key();
  }
  EXPECT_EQ(adapters, 2 * 7 * 2);
}

TEST(Attach, NamesTheNearestModules) {
  auto model = base_model();
  const auto message = error_of([&] { attach(model, LoraConfig{.target_modules = {"q_prj"}}); });
  EXPECT_NE(message.find("\"q_prj\" names no module (did you mean q_proj"), std::string::npos)
      << message;
  EXPECT_TRUE(trainable_parameters(model).empty());
  EXPECT_NE(
      error_of([&] { attach(model, LoraConfig{.layers_to_transform = {7}}); }).find("no layer 7"),
      std::string::npos);
  const LoraConfig twice{.target_modules = {"embed_tokens"}, .trainable_token_indices = {4}};
  EXPECT_NE(error_of([&] { attach(model, twice); }).find("adapted as a whole already"),
            std::string::npos);
  EXPECT_NE(error_of([&] {
              attach(model, LoraConfig{.target_modules = {"q_proj", "(k"}});
            }).find("no regular expression"),
            std::string::npos);
}

TEST(Adapters, SwitchOffBitForBitAndByName) {
  auto model = base_model();
  torch::NoGradGuard no_grad;
  const auto base = model(input_ids());
  attach(model, LoraConfig{}, "first");
  randomise(model);
  const auto first = model(input_ids());
  attach(model, LoraConfig{.r = 2}, "second");
  EXPECT_TRUE(same_bits(model(input_ids()), base)) << "a fresh adapter changes nothing";
  set_active(model, "first");
  EXPECT_TRUE(same_bits(model(input_ids()), first));
  {
    const AdaptersOff off(*model);
    EXPECT_TRUE(same_bits(model(input_ids()), base));
  }
  detach(model, "first");
  EXPECT_TRUE(same_bits(model(input_ids()), base));
}

const fs::path& combinations() {
  static const auto path = fixture_path("models/adapters/combinations.safetensors");
  return path;
}

/// PEFT's adapters `lora` and `rslora` of the fixtures as `a` and `b`.
CausalLM model_with_two() {
  auto model = base_model();
  load_adapter(model, fixture_path("models/adapters/lora"), "a");
  load_adapter(model, fixture_path("models/adapters/rslora"), "b");
  return model;
}

TEST(WeightedAdapter, GivesPeftsLogits) {
  torch::NoGradGuard no_grad;
  const TemporaryFolder scratch;
  for (const char* type : {"linear", "cat", "svd", "ties", "ties_svd", "magnitude_prune"}) {
    auto model = model_with_two();
    const auto config =
        add_weighted_adapter(model, {"a", "b"}, {0.7, 0.4}, "sum", {.combination_type = type});
    const auto wanted = stored(combinations(), type);
    EXPECT_LT(relative_difference(model(input_ids()), wanted), 1e-5) << type;
    save_adapter(model, config, scratch / type, "base", "sum");
    auto again = base_model();
    load_adapter(again, scratch / type);
    EXPECT_LT(relative_difference(again(input_ids()), wanted), 1e-5) << type;
  }
}

TEST(WeightedAdapter, PrunesAsPeft) {
  const auto stacked = stored(combinations(), "tensors");
  const std::vector<Tensor> tensors = {stacked[0], stacked[1], stacked[2]};
  const std::vector<double> weights = {0.5, -0.3, 0.9};
  for (const char* type : {"dare_linear", "dare_ties"}) {
    at::manual_seed(15);
    const auto sum = combine(tensors, weights, {.combination_type = type, .density = 0.6});
    EXPECT_LT(relative_difference(sum, stored(combinations(), type)), 1e-6) << type;
  }
  const auto ties =
      combine(tensors, weights,
              {.combination_type = "ties", .density = 0.6, .majority_sign_method = "frequency"});
  EXPECT_LT(relative_difference(ties, stored(combinations(), "ties_frequency")), 1e-6);
}

TEST(WeightedAdapter, RefusesWhatCannotBeCombined) {
  auto model = model_with_two();
  const auto message = [&](const std::vector<std::string>& names, const CombineOptions& options) {
    return error_of([&] {
      add_weighted_adapter(model, names, std::vector<double>(names.size(), 1), "sum", options);
    });
  };
  EXPECT_NE(message({"a", "c"}, {}).find("no adapter \"c\""), std::string::npos);
  EXPECT_NE(message({"a"}, {.combination_type = "mean"}).find("\"mean\" is not one of"),
            std::string::npos);
  attach(model, LoraConfig{.r = 2}, "small");
  EXPECT_NE(message({"a", "small"}, {}).find("differ in rank (4 and 2)"), std::string::npos);
  attach(model, LoraConfig{.use_dora = true}, "dora");
  EXPECT_NE(message({"a", "dora"}, {}).find("no plain LoRA"), std::string::npos);
  EXPECT_FALSE(has_adapter(model, "sum"));
}

TEST(AdapterRows, EachRowGoesThroughItsOwn) {
  torch::NoGradGuard no_grad;
  auto model = model_with_two();
  const auto ids = stored(combinations(), "mixed_ids");
  set_active_rows(model, {"b", "a", ""});
  EXPECT_LT(relative_difference(model(ids), stored(combinations(), "mixed")), 1e-5);
  {
    const AdaptersOff off(*model);
    EXPECT_TRUE(same_bits(model(ids), base_model()(ids)));
  }
  EXPECT_THROW(model(ids.slice(0, 0, 2)), c10::Error);
  EXPECT_NE(error_of([&] { merge(model); }).find("for each row"), std::string::npos);
  set_active(model, "a");
  EXPECT_LT(relative_difference(model(ids)[1], stored(combinations(), "mixed")[1]), 1e-5);
}

TEST(AdapterRows, MixedMethodsEqualSingleRuns) {
  torch::NoGradGuard no_grad;
  auto model = base_model();
  const std::vector<std::pair<std::string, PeftConfig>> methods = {
      {"lora", LoraConfig{.target_modules = {"all-linear"}}},
      {"dora", LoraConfig{.use_dora = true}},
      {"ia3", Ia3Config{}},
      {"oft", OftConfig{.oft_block_size = 8}},
      {"loha", LoHaConfig{}},
      {"vera", VeraConfig{.r = 4}},
      {"lokr", LoKrConfig{.r = 2}}};
  std::vector<std::string> names = {""};
  for (const auto& [name, config] : methods) {
    attach(model, config, name);
    names.push_back(name);
  }
  randomise(model);
  const auto ids = at::randint(3, 90, {8, 9}, at::kLong);
  set_active_rows(model, names);
  const auto mixed = model(ids);
  for (std::size_t row = 0; row < names.size(); ++row) {
    set_active(model, names[row]);
    const auto at = static_cast<std::int64_t>(row);
    EXPECT_LT(relative_difference(mixed[at], model(ids.slice(0, at, at + 1))[0]), 1e-5)
        << names[row];
  }
  attach(model, PromptTuningConfig{}, "prompt");
  EXPECT_NE(error_of([&] { set_active_rows(model, {"prompt"}); }).find("outside projections"),
            std::string::npos);
}

TEST(Adapters, FoldIntoASavedModel) {
  torch::NoGradGuard no_grad;
  const TemporaryFolder scratch;
  auto model = base_model();
  attach(model, LoraConfig{.target_modules = {"all-linear"}});
  randomise(model);
  const auto report = save_pretrained(model, scratch / "merged");
  EXPECT_EQ(report.merged_matrices, 14);
  EXPECT_GT(report.largest_update, 0);
  auto merged = load_pretrained(scratch / "merged");
  EXPECT_LT(relative_difference(merged(input_ids()), model(input_ids())), 1e-5);
}

TEST(LoadAdapter, RefusesWhatDoesNotFit) {
  const TemporaryFolder scratch;
  const auto copy = [&](const std::string& name) {
    fs::copy(fixture_path("models/adapters/lora"), scratch / name);
    return scratch / name;
  };
  const auto load = [](const fs::path& folder) {
    auto model = base_model();
    return error_of([&] { load_adapter(model, folder); });
  };
  const auto edit = [](const fs::path& folder, const std::function<void(Json&)>& change) {
    auto json = read_json(folder / "adapter_config.json");
    change(json);
    write_json(folder / "adapter_config.json", json);
  };
  auto folder = copy("dora");
  edit(folder, [](Json& json) { json["use_dora"] = true; });
  EXPECT_NE(load(folder).find("lora_magnitude_vector\" is missing"), std::string::npos);
  folder = copy("qalora");
  edit(folder, [](Json& json) { json["use_qalora"] = true; });
  EXPECT_NE(load(folder).find("\"use_qalora\": true is not supported"), std::string::npos);
  folder = copy("method");
  edit(folder, [](Json& json) { json["peft_type"] = "XLORA"; });
  EXPECT_NE(load(folder).find("peft_type \"XLORA\" is not supported"), std::string::npos);
  folder = copy("type");
  edit(folder, [](Json& json) { json["r"] = "eight"; });
  EXPECT_NE(load(folder).find("\"r\" has the wrong type"), std::string::npos);
  EXPECT_NE(load(scratch / "nowhere").find("no such adapter folder"), std::string::npos);
  folder = copy("empty");
  fs::resize_file(folder / "adapter_model.safetensors", 0);
  EXPECT_NE(load(folder).find("adapter_model.safetensors"), std::string::npos);

  auto other = load_pretrained(fixture_path("models/llama_rope3"));
  const auto message = error_of([&] { load_adapter(other, fixture_path("models/adapters/lora")); });
  EXPECT_NE(message.find("on this model"), std::string::npos) << message;
}

TEST(LoadAdapter, RefusesKeysOfAnotherPrefix) {
  const TemporaryFolder scratch;
  fs::copy(fixture_path("models/adapters/lora"), scratch / "adapter");
  const auto path = scratch / "adapter" / "adapter_model.safetensors";
  std::map<std::string, Tensor> renamed;
  {
    const SafetensorsFile file(path);
    for (const auto& view : file.tensors())
      renamed["model." + view.name] = map_tensor(view, file.owner()).clone();
  }
  write_tensors(path, renamed, {}, Checksum::kNone);
  auto model = base_model();
  const auto message = error_of([&] { load_adapter(model, scratch / "adapter"); });
  EXPECT_NE(message.find("0 of 8 tensors match"), std::string::npos) << message;
  EXPECT_NE(message.find("\"model.base_model"), std::string::npos) << message;
  EXPECT_NE(message.find("\"base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight\""),
            std::string::npos);
}

TEST(LoadAdapter, EveryTruncationAndFlippedByteIsFoundOrHarmless) {
  torch::NoGradGuard no_grad;
  const TemporaryFolder scratch;
  const auto folder = scratch / "adapter";
  auto model = base_model();
  attach(model, LoraConfig{.r = 1, .target_modules = {"layers.1.self_attn.k_proj"}});
  randomise(model);
  save_adapter(model, LoraConfig{.r = 1, .target_modules = {"layers.1.self_attn.k_proj"}}, folder,
               "models/llama");
  const auto ids = input_ids();
  const auto wanted = model(ids);
  auto fresh = base_model();
  const auto check = [&](const fs::path& path, const std::string& bytes, std::size_t at) {
    std::ofstream(path, std::ios::binary)
        << bytes;  // without the flush to disk that `write_file` takes
    try {
      load_adapter(fresh, folder);
      EXPECT_TRUE(same_bits(fresh(ids), wanted)) << path << " byte " << at;
    } catch (const Error&) {
    }
    detach(fresh);
  };
  for (const char* name : {"adapter_config.json", "adapter_model.safetensors"}) {
    const auto path = folder / name;
    const auto bytes = read_file(path);
    for (std::size_t at = 0; at < bytes.size(); ++at) {
      check(path, bytes.substr(0, at), at);
      auto flipped = bytes;
      flipped[at] = static_cast<char>(flipped[at] ^ (1 << (at % 8)));
      check(path, flipped, at);
    }
    write_file(path, bytes);
  }
}

}  // namespace
}  // namespace hone
