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
#include <hone/format/gguf_writer.h>
#include <hone/kernels/linear_cross_entropy.h>
#include <hone/model/gguf_names.h>
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
  const auto loss =
      kernels::linear_cross_entropy(hidden, model->head_weight(), ids.narrow(0, 5, 7)) / 7;
  EXPECT_NEAR(loss.item<double>(), stored(folder / "expected.safetensors", "loss").item<double>(),
              1e-5);
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

/// The model as llama.cpp's converter would store it, unquantised.
void write_gguf(const CausalLM& model, const fs::path& path) {
  const auto& config = model->config;
  GgufWriter writer;
  writer.add_string("general.architecture", "llama");
  writer.add_u32("llama.block_count", static_cast<std::uint32_t>(config.num_hidden_layers));
  writer.add_u32("llama.context_length",
                 static_cast<std::uint32_t>(config.max_position_embeddings));
  writer.add_u32("llama.embedding_length", static_cast<std::uint32_t>(config.hidden_size));
  writer.add_u32("llama.feed_forward_length", static_cast<std::uint32_t>(config.intermediate_size));
  writer.add_u32("llama.attention.head_count",
                 static_cast<std::uint32_t>(config.num_attention_heads));
  writer.add_u32("llama.attention.head_count_kv",
                 static_cast<std::uint32_t>(config.num_key_value_heads));
  writer.add_u32("llama.attention.key_length", static_cast<std::uint32_t>(config.head_dim));
  writer.add_f32("llama.attention.layer_norm_rms_epsilon", static_cast<float>(config.rms_norm_eps));
  writer.add_f32("llama.rope.freq_base", static_cast<float>(config.rope_theta));
  std::vector<Tensor> held;
  for (const auto& item : model->named_parameters()) {
    held.push_back(to_gguf_order(item.key(), item.value(), config).contiguous());
    const auto view = view_of(item.key(), held.back());
    writer.add_tensor(gguf_of_parameter(item.key()).value(), GgmlType::F32,
                      {view.shape.rbegin(), view.shape.rend()}, view.bytes);
  }
  writer.write(path);
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

TEST(Gguf, GivesTheSameModelAsTheFolder) {
  torch::NoGradGuard no_grad;
  const TemporaryFolder scratch;
  for (const char* name : {"llama", "llama_tied_bias"}) {
    auto model = load_pretrained(fixture_path(std::string("models/") + name));
    write_gguf(model, scratch / "model.gguf");
    auto again = load_pretrained(scratch / "model.gguf");
    for (const auto& item : model->named_parameters()) {
      EXPECT_TRUE(same_bits(item.value(), again->named_parameters()[item.key()])) << item.key();
    }
    EXPECT_LT(relative_difference(again(input("input_ids")), model(input("input_ids"))), 1e-6);
  }
}

TEST(Pretrained, ReadsShards) {
  torch::NoGradGuard no_grad;
  auto whole = load_pretrained(fixture_path("models/llama"));
  auto sharded = load_pretrained(fixture_path("models/sharded"));
  EXPECT_TRUE(same_bits(sharded(input("input_ids")), whole(input("input_ids"))));
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
  edit(folder, [](Json& json) { json["hidden_act"] = "gelu"; });
  EXPECT_NE(load(folder).find("hidden_act \"gelu\""), std::string::npos);
  folder = copy("type");
  edit(folder, [](Json& json) { json["hidden_size"] = "32"; });
  EXPECT_NE(load(folder).find("\"hidden_size\" must be an integer, got \"32\""), std::string::npos);
  folder = copy("heads");
  edit(folder, [](Json& json) { json["num_attention_heads"] = 0; });
  EXPECT_NE(load(folder).find("num_attention_heads must be positive"), std::string::npos);
  folder = copy("yarn");
  edit(folder, [](Json& json) {
    json["rope_parameters"] = {{"rope_type", "yarn"}, {"rope_theta", 1e4}};
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

INSTANTIATE_TEST_SUITE_P(Llama,
                         Models,
                         ::testing::Values("llama", "llama_tied_bias", "llama_rope3"));

}  // namespace
}  // namespace hone
