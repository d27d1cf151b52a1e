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
