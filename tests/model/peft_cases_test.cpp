// Failures of adapters that were reported in public, each with the outcome that hone promises.
#include <ATen/ATen.h>
#include <ATen/record_function.h>
#include <torch/types.h>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <hone/base/error.h>
#include <hone/base/json_io.h>
#include <hone/format/safetensors.h>
#include <hone/model/gguf_export.h>
#include <hone/model/peft.h>
#include <hone/model/pretrained.h>
#include <hone/model/tensor_files.h>

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
using testing::TemporaryFolder;

CausalLM tiny_base(const std::string& name = "llama") {
  return load_pretrained(fixture_path("models/" + name));
}

Tensor matrix_of(std::vector<std::vector<double>> rows) {
  std::vector<Tensor> stacked;
  for (const auto& row : rows) stacked.push_back(at::tensor(row, at::kDouble));
  return at::stack(stacked);
}

double distance(const Tensor& a, const Tensor& b) {
  return (a.to(at::kDouble) - b).abs().max().item<double>();
}

TEST(AdapterCases, DoraKeepsItsMagnitude) {  // A05
  torch::NoGradGuard no_grad;
  Projection projection(matrix_of({{3, 4}, {1, 0}}), Tensor());
  Lora lora(*projection, LoraConfig{.r = 1, .lora_alpha = 2, .use_dora = true});
  EXPECT_LT(distance(lora->lora_magnitude_vector, at::tensor({5.0, 1.0}, at::kDouble)), 1e-12);
  lora->lora_A.copy_(matrix_of({{1, 2}}));
  lora->lora_B.copy_(matrix_of({{0.5}, {-1}}));
  lora->lora_magnitude_vector.copy_(at::tensor({5.0, 1.5}, at::kDouble));
  projection->add_adapter("default", lora.ptr());
  const auto merged = matrix_of({{2.77350098, 4.16025147}, {-0.36380344, -1.45521375}});
  EXPECT_LT(distance(projection->folded(at::kDouble).weight, merged), 1e-8);
  EXPECT_LT(distance(projection(at::eye(2, at::kDouble)).t(), merged), 1e-8);
}

TEST(AdapterCases, DoraWithoutItsMagnitudeIsRefused) {  // A05
  const TemporaryFolder scratch;
  fs::copy(fixture_path("models/adapters/dora"), scratch / "adapter");
  const auto path = scratch / "adapter" / "adapter_model.safetensors";
  std::map<std::string, Tensor> kept;
  {
    const SafetensorsFile file(path);
    for (const auto& view : file.tensors()) {
      if (!view.name.ends_with("magnitude_vector"))
        kept[std::string(view.name)] = map_tensor(view, file.owner()).clone();
    }
  }
  write_tensors(path, kept, {}, Checksum::kNone);
  auto model = tiny_base();
  EXPECT_NE(error_of([&] {
              load_adapter(model, scratch / "adapter");
            }).find("lora_magnitude_vector\" is missing"),
            std::string::npos);
  EXPECT_FALSE(has_adapter(model, kDefaultAdapter));
}

TEST(AdapterCases, Ia3ScalesTheRightSide) {  // A09
  torch::NoGradGuard no_grad;
  for (const bool feedforward : {false, true}) {
    Projection projection(matrix_of({{1, 2}, {3, 4}}), Tensor());
    Ia3 ia3(*projection, feedforward);
    ia3->ia3_l.copy_(at::tensor({2.0, 0.5}, at::kDouble).view(ia3->ia3_l.sizes()));
    projection->add_adapter("default", ia3.ptr());
    const auto wanted = feedforward ? matrix_of({{2, 1}, {6, 2}}) : matrix_of({{2, 4}, {1.5, 2}});
    EXPECT_LT(distance(projection->folded(at::kDouble).weight, wanted), 1e-12);
    EXPECT_LT(distance(projection(at::eye(2, at::kDouble)).t(), wanted), 1e-12);
  }
}

TEST(AdapterCases, VirtualTokensWithPaddingAreAsAlone) {  // A10
  torch::NoGradGuard no_grad;
  for (const PeftConfig& config : {PeftConfig(PromptTuningConfig{.num_virtual_tokens = 3}),
                                   PeftConfig(PrefixTuningConfig{.num_virtual_tokens = 3})}) {
    auto model = tiny_base();
    attach(model, config);
    const auto ids = input_ids().slice(1, 0, 4);
    const auto mask = at::tensor({0, 0, 1, 1}, at::kLong).unsqueeze(0);
    const auto batch = at::cat({ids, ids}), masks = at::cat({mask, at::ones_like(mask)});
    const auto together = model(batch, masks);
    EXPECT_LT(relative_difference(together[0].slice(0, 2), model(ids.slice(1, 2))[0]), 1e-5);
    EXPECT_LT(relative_difference(together[1], model(ids)[0]), 1e-5);
  }
}

TEST(AdapterCases, AHeadOfItsOwnOnATiedModelIsRefused) {  // A01
  auto model = tiny_base("llama_tied_bias");
  const auto message = error_of([&] {
    attach(model, LoraConfig{.target_modules = {"q_proj", "lm_head"}});
  });
  EXPECT_NE(message.find("\"lm_head\" names no module"), std::string::npos) << message;
  attach(model, LoraConfig{.target_modules = {"embed_tokens"}});
  EXPECT_NE(error_of([&] { merge(model); }).find("the head is the same matrix"), std::string::npos);
}

TEST(AdapterCases, AVocabularyOfAnotherSizeIsRefusedWithBothShapes) {  // A06
  torch::NoGradGuard no_grad;
  const TemporaryFolder scratch;
  auto model = tiny_base();
  const LoraConfig config{.modules_to_save = {"embed_tokens"}};
  attach(model, config);
  save_adapter(model, config, scratch / "adapter", "base");
  const auto path = scratch / "adapter" / "adapter_model.safetensors";
  std::map<std::string, Tensor> grown;
  {
    const SafetensorsFile file(path);
    for (const auto& view : file.tensors()) {
      auto tensor = map_tensor(view, file.owner()).clone();
      if (view.name.ends_with("embed_tokens.weight"))
        tensor = at::cat({tensor, at::zeros({3, tensor.size(1)})});
      grown[std::string(view.name)] = tensor;
    }
  }
  write_tensors(path, grown, {}, Checksum::kNone);
  auto again = tiny_base();
  const auto message = error_of([&] { load_adapter(again, scratch / "adapter"); });
  EXPECT_NE(message.find("[99, 32]"), std::string::npos) << message;
  EXPECT_NE(message.find("[96, 32]"), std::string::npos) << message;
}

TEST(AdapterCases, LlamaCppGetsAWholeAdapterOrNone) {  // A11
  const TemporaryFolder scratch;
  const std::vector<std::pair<PeftConfig, const char*>> configs = {
      {LoraConfig{.modules_to_save = {"lm_head"}}, "modules_to_save"},
      {LoraConfig{.use_dora = true}, "no DoRA"},
      {Ia3Config{}, "only LoRA"},
      {PromptTuningConfig{}, "modules_to_save, biases or embeddings"}};
  for (const auto& [config, reason] : configs) {
    auto model = tiny_base();
    attach(model, config);
    EXPECT_NE(error_of([&] { save_gguf_adapter(model, scratch / "x.gguf"); }).find(reason),
              std::string::npos);
    EXPECT_FALSE(fs::exists(scratch / "x.gguf"));
  }
}

TEST(AdapterCases, AnotherBaseOfTheSameSizesIsRefused) {
  torch::NoGradGuard no_grad;
  const TemporaryFolder scratch;
  auto model = tiny_base();
  attach(model, LoraConfig{});
  save_adapter(model, LoraConfig{}, scratch / "adapter", "the-right-base");
  auto rounded = load_pretrained(fixture_path("models/llama"), {.dtype = at::kBFloat16});
  EXPECT_NO_THROW(load_adapter(rounded, scratch / "adapter"));
  auto other = tiny_base();
  for (auto& parameter : other->parameters()) parameter.normal_();
  const auto message = error_of([&] { load_adapter(other, scratch / "adapter"); });
  EXPECT_NE(message.find("other weights than this model has; its base is \"the-right-base\""),
            std::string::npos)
      << message;
  EXPECT_FALSE(has_adapter(other, kDefaultAdapter));
}

TEST(AdapterCases, TwentyVirtualTokensOf4096Are81920Numbers) {
  const SoftPrompt prompt(at::zeros({20, 4096}));
  std::int64_t count = 0;
  for (const auto& parameter : prompt->parameters()) count += parameter.numel();
  EXPECT_EQ(count, 81920);
}

/// Operators seen by a callback, which can carry no state of its own.
std::vector<std::string>& counted() {
  static std::vector<std::string> names;
  return names;
}

TEST(AdapterCases, AMergedModelRunsTheBasesOperators) {
  torch::NoGradGuard no_grad;
  const auto operators = [](CausalLM& model) {
    std::vector<std::string> names;
    const auto handle = at::addGlobalCallback(
        at::RecordFunctionCallback([](const at::RecordFunction& function)
                                       -> std::unique_ptr<at::ObserverContext> {
          counted().push_back(function.name());
          return nullptr;
        }).scopes({at::RecordScope::FUNCTION}));
    counted().clear();
    model(input_ids());
    at::removeCallback(handle);
    names.swap(counted());
    return names;
  };
  auto model = tiny_base();
  const auto base = operators(model);
  attach(model, LoraConfig{.target_modules = {"all-linear"}});
  EXPECT_GT(operators(model).size(), base.size());
  merge(model);
  EXPECT_EQ(operators(model), base);
}

}  // namespace
}  // namespace hone
