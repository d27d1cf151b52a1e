// What holds for every PEFT method, on a model with grouped queries and on one with a tied head and
// biases.
#include <algorithm>

#include <ATen/ATen.h>
#include <torch/types.h>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <hone/base/error.h>
#include <hone/base/json_io.h>
#include <hone/model/peft.h>
#include <hone/model/pretrained.h>

#include "base/error_of.h"
#include "base/temporary_folder.h"
#include "model/tiny_inputs.h"

namespace hone {
namespace {

using testing::error_of;
using testing::fixture_path;
using testing::input_ids;
using testing::relative_difference;
using testing::same_bits;
using testing::TemporaryFolder;

struct Method {
  std::string name;
  PeftConfig config;
  bool has_virtual_tokens = false;
  bool merges = true;
  bool starts_exactly = true;  ///< bit for bit; otherwise the same up to rounding
};

const std::vector<std::string> kQuery = {"q_proj", "down_proj"};

std::vector<Method> methods() {
  const std::vector<std::string> all = {"all-linear"};
  return {
      {"lora", LoraConfig{.target_modules = all}},
      {"rslora", LoraConfig{.use_rslora = true, .target_modules = kQuery}},
      {"dora", LoraConfig{.use_dora = true, .target_modules = all}, false, true, false},
      {"pissa", LoraConfig{.r = 4, .init_lora_weights = "pissa"}, false, true, false},
      {"olora", LoraConfig{.r = 4, .init_lora_weights = "olora"}, false, true, false},
      {"gaussian", LoraConfig{.init_lora_weights = "gaussian"}},
      {"norms_saved", LoraConfig{.modules_to_save = {"norm", "o_proj"}}},
      {"tokens", LoraConfig{.trainable_token_indices = {5, 9}}},
      {"adalora", AdaLoraConfig{.init_r = 4}},
      {"vera", VeraConfig{.r = 8, .target_modules = kQuery}},
      {"loha", LoHaConfig{.r = 2, .target_modules = kQuery}},
      {"lokr", LoKrConfig{.r = 1, .target_modules = kQuery, .decompose_both = true}},
      {"oft", OftConfig{.oft_block_size = 8, .target_modules = kQuery}},
      {"ia3", Ia3Config{}},
      {"ln_tuning", LnTuningConfig{}},
      {"last_layer", SelectiveConfig{.last_layers = 1}},
      {"by_name", SelectiveConfig{.parameters = {".*layers\\.0.*_proj\\.weight", "norm.weight"}}},
      {"houlsby", BottleneckConfig{.kind = "houlsby", .reduction_factor = 4}, false, false},
      {"pfeiffer", BottleneckConfig{.reduction_factor = 4}, false, false},
      {"parallel", BottleneckConfig{.kind = "parallel", .reduction_factor = 4}, false, false},
      {"prompt_tuning", PromptTuningConfig{.num_virtual_tokens = 3}, true, false},
      {"p_tuning_mlp", PromptEncoderConfig{.num_virtual_tokens = 3}, true, false},
      {"p_tuning_lstm",
       PromptEncoderConfig{.num_virtual_tokens = 3, .encoder_reparameterization_type = "LSTM"},
       true, false},
      {"prefix_tuning", PrefixTuningConfig{.num_virtual_tokens = 3}, true, false},
      {"prefix_projection", PrefixTuningConfig{.num_virtual_tokens = 3, .prefix_projection = true},
       true, false},
  };
}

using Case = std::tuple<Method, const char*>;

class PeftContract : public ::testing::TestWithParam<Case> {
 protected:
  const Method& method() const { return std::get<0>(GetParam()); }

  CausalLM base(at::ScalarType dtype = at::kFloat) const {
    auto model =
        load_pretrained(fixture_path(concat("models/", std::get<1>(GetParam()))), {.dtype = dtype});
    model->eval();
    return model;
  }

  CausalLM attached(at::ScalarType dtype = at::kFloat) const {
    at::manual_seed(3);
    auto model = base(dtype);
    attach(model, method().config);
    return model;
  }

  /// With numbers in the adapter that change the output.
  CausalLM trained(at::ScalarType dtype = at::kFloat) const { return shaken(attached(dtype)); }

  static CausalLM shaken(CausalLM model) {
    torch::NoGradGuard no_grad;
    for (auto& [name, parameter] : trainable_parameters(model))
      parameter.add_(at::randn_like(parameter), 0.2);
    return model;
  }
};

TEST_P(PeftContract, StartsAsTheBase) {
  torch::NoGradGuard no_grad;
  const auto before = base()(input_ids());
  const auto after = attached()(input_ids());
  ASSERT_EQ(after.sizes(), before.sizes()) << "virtual tokens must not show";
  if (method().has_virtual_tokens) {
    EXPECT_TRUE(after.isfinite().all().item<bool>());
    EXPECT_GT(relative_difference(after, before), 1e-3);
  } else if (method().starts_exactly) {
    EXPECT_TRUE(same_bits(after, before));
  } else {
    EXPECT_LT(relative_difference(after, before), 1e-5);
  }
}

TEST_P(PeftContract, TrainsItsOwnParametersAlone) {
  auto model = trained();
  model(input_ids()).square().sum().backward();
  std::int64_t own = 0;
  for (const auto& item : model->named_parameters()) {
    EXPECT_EQ(item.value().requires_grad(), is_adapter_parameter(item.key())) << item.key();
    EXPECT_EQ(item.value().grad().defined(), is_adapter_parameter(item.key())) << item.key();
    own += is_adapter_parameter(item.key());
  }
  EXPECT_GT(own, 0);
}

TEST_P(PeftContract, IsOffBitForBit) {
  torch::NoGradGuard no_grad;
  const auto before = base()(input_ids());
  auto model = trained();
  EXPECT_FALSE(same_bits(model(input_ids()), before));
  {
    const AdaptersOff off(*model);
    const AdaptersOff nested(*model);
    EXPECT_TRUE(same_bits(model(input_ids()), before));
  }
  EXPECT_FALSE(same_bits(model(input_ids()), before));
  detach(model);
  EXPECT_TRUE(same_bits(model(input_ids()), before));
  EXPECT_TRUE(trainable_parameters(model).empty());
}

TEST_P(PeftContract, SurvivesItsFiles) {
  torch::NoGradGuard no_grad;
  const TemporaryFolder scratch;
  auto model = trained();
  save_adapter(model, method().config, scratch / "adapter", "base");
  auto again = base();
  const auto config = load_adapter(again, scratch / "adapter");
  EXPECT_LT(relative_difference(again(input_ids()), model(input_ids())), 1e-5);
  save_adapter(again, config, scratch / "again", "base");
  auto third = base();
  EXPECT_EQ(load_adapter(third, scratch / "again"), config);
  EXPECT_TRUE(same_bits(third(input_ids()), again(input_ids())));
}

TEST_P(PeftContract, MergesAndUnmerges) {
  torch::NoGradGuard no_grad;
  auto model = trained();
  const auto wanted = model(input_ids());
  if (!method().merges) {
    EXPECT_NE(error_of([&] { merge(model); }).find("cannot be folded"), std::string::npos);
    EXPECT_TRUE(same_bits(model(input_ids()), wanted));
    return;
  }
  const auto report = merge(model);
  EXPECT_LT(report.rounding, 1e-4);
  EXPECT_LT(relative_difference(model(input_ids()), wanted), 1e-4);
  EXPECT_THROW(AdaptersOff{*model}, c10::Error);
  unmerge(model);
  EXPECT_LT(relative_difference(model(input_ids()), wanted), 1e-4);
  const AdaptersOff off(*model);
  EXPECT_LT(relative_difference(model(input_ids()), base()(input_ids())), 1e-4);
}

TEST_P(PeftContract, FoldsIntoASavedModel) {
  if (!method().merges) return;
  torch::NoGradGuard no_grad;
  const TemporaryFolder scratch;
  auto model = trained();
  save_pretrained(model, scratch / "merged");
  auto merged = load_pretrained(scratch / "merged");
  EXPECT_LT(relative_difference(merged(input_ids()), model(input_ids())), 1e-4);
}

TEST_P(PeftContract, IsTheSameWithACache) {
  torch::NoGradGuard no_grad;
  auto model = trained();
  const auto ids = input_ids()[0];
  const auto whole = model->hidden_states(Sequences::single(ids));
  auto cache = model->make_cache(1, 4);
  std::vector<Tensor> parts = {model->hidden_states(Sequences::single(ids.slice(0, 0, 5)), &cache)};
  for (std::int64_t t = 5; t < ids.size(0); ++t)
    parts.push_back(model->hidden_states(Sequences::single(ids.slice(0, t, t + 1)), &cache));
  EXPECT_LT(relative_difference(at::cat(parts), whole), 1e-5);
}

TEST_P(PeftContract, PackedSequencesAreAsSeparateOnes) {
  torch::NoGradGuard no_grad;
  auto model = trained();
  const auto ids = input_ids()[0];
  const std::vector<std::int64_t> lengths = {5, 4, 3};
  const auto packed = model->hidden_states({ids, lengths});
  std::int64_t first = 0;
  for (const auto length : lengths) {
    const auto own = model->hidden_states(Sequences::single(ids.slice(0, first, first + length)));
    EXPECT_LT(relative_difference(packed.slice(0, first, first + length), own), 1e-5);
    first += length;
  }
}

TEST_P(PeftContract, SharesAModelWithAnother) {
  torch::NoGradGuard no_grad;
  auto model = trained();
  const auto first = model(input_ids());
  attach(model, LoraConfig{.target_modules = {"up_proj"}}, "second");
  for (auto& item : model->named_parameters()) {
    if (item.key().find(".second.") != std::string::npos) item.value().normal_();
  }
  const auto second = model(input_ids());
  EXPECT_FALSE(same_bits(second, first));
  set_active(model, kDefaultAdapter);
  EXPECT_TRUE(same_bits(model(input_ids()), first));
  set_active(model, "second");
  EXPECT_TRUE(same_bits(model(input_ids()), second));
  EXPECT_NE(error_of([&] { attach(model, method().config, "second"); }).find("attached already"),
            std::string::npos);
  EXPECT_TRUE(same_bits(model(input_ids()), second));
}

TEST_P(PeftContract, GradientsEqualFiniteDifferences) {
  auto model = trained(at::kDouble);
  const auto ids = input_ids().slice(1, 0, 6);
  const auto loss = [&] { return model(ids).pow(2).mean(); };
  loss().backward();
  torch::NoGradGuard no_grad;
  // DoRA holds the norm constant in its gradient, so the slopes of A and B are not the function's.
  const auto* lora = std::get_if<LoraConfig>(&method().config);
  const bool detached_norm = lora != nullptr && lora->use_dora;
  constexpr double kStep = 1e-5;
  for (auto& [name, parameter] : trainable_parameters(model)) {
    if (detached_norm && name.find("magnitude") == std::string::npos) continue;
    auto flat = parameter.detach().view({-1});
    const auto gradient = parameter.grad().reshape({-1});
    for (const auto i : {std::int64_t{0}, flat.numel() / 2, flat.numel() - 1}) {
      const double value = flat[i].item<double>();
      flat[i] = value + kStep;
      const double above = loss().item<double>();
      flat[i] = value - kStep;
      const double below = loss().item<double>();
      flat[i] = value;
      const double slope = (above - below) / (2 * kStep);
      EXPECT_NEAR(gradient[i].item<double>(), slope, 1e-6 * std::max(1.0, std::abs(slope)))
          << name << " " << i;
    }
  }
}

TEST_P(PeftContract, HasTheSameGradientsWithCheckpointing) {
  auto plain = trained(at::kDouble), lean = trained(at::kDouble);
  lean->model->gradient_checkpointing = true;
  const auto wanted = plain(input_ids());
  const auto got = lean(input_ids());
  // LibTorch folds products of matrices by whether they need a gradient.
  EXPECT_LT(relative_difference(got, wanted), 1e-13);
  wanted.square().sum().backward();
  got.square().sum().backward();
  const auto own = trainable_parameters(plain), other = trainable_parameters(lean);
  for (std::size_t i = 0; i < own.size(); ++i)
    EXPECT_LT(relative_difference(other[i].second.grad(), own[i].second.grad()), 1e-12)
        << own[i].first;
}

TEST_P(PeftContract, WorksOverABf16Base) {
  auto model = trained(at::kBFloat16);
  const auto logits = model(input_ids());
  EXPECT_EQ(logits.scalar_type(), at::kBFloat16);
  logits.to(at::kFloat).square().mean().backward();
  for (const auto& [name, parameter] : trainable_parameters(model)) {
    EXPECT_EQ(parameter.scalar_type(), at::kFloat) << name;
    EXPECT_TRUE(parameter.grad().defined()) << name;
    EXPECT_TRUE(parameter.grad().isfinite().all().item<bool>()) << name;
  }
  // A method computes the same in bf16 as in fp32, to bf16's two to three digits.
  auto widened = base(at::kBFloat16);
  widened->to(at::kFloat);
  at::manual_seed(3);
  attach(widened, method().config);
  auto exact = shaken(widened);
  EXPECT_LT(relative_difference(logits, exact(input_ids())), 0.1);
}

/// Two models with the same numbers: one packed in 8-bit integers, one expanded from it.
std::pair<CausalLM, CausalLM> packed_and_expanded(const std::string& name) {
  const auto path = fixture_path("models/" + name);
  auto packed = load_pretrained(path, {.quantization = Quantization::kInt8});
  auto dense = load_pretrained(path);
  for (auto& [layer, projection] : named_projections(*dense)) {
    for (auto& [other, source] : named_projections(*packed)) {
      if (layer == other && source->packed) projection->weight.copy_(source->dense_weight());
    }
  }
  packed->eval();
  dense->eval();
  return {packed, dense};
}

TEST_P(PeftContract, WorksOverAQuantisedBase) {
  auto [packed, dense] = packed_and_expanded(std::get<1>(GetParam()));
  const auto& config = method().config;
  const auto* lora = std::get_if<LoraConfig>(&config);
  if (std::holds_alternative<SelectiveConfig>(config) ||
      (lora != nullptr && !lora->modules_to_save.empty())) {
    EXPECT_NE(error_of([&] { attach(packed, config); }).find("is quantised"), std::string::npos);
    EXPECT_FALSE(has_adapter(packed, kDefaultAdapter));
    return;
  }
  for (auto* model : {&packed, &dense}) {
    at::manual_seed(3);
    attach(*model, config);
    *model = shaken(*model);
  }
  const auto logits = packed(input_ids());
  EXPECT_LT(relative_difference(logits, dense(input_ids())), 1e-5);
  logits.square().sum().backward();
  dense(input_ids()).square().sum().backward();
  const auto wanted = trainable_parameters(dense);
  const auto got = trainable_parameters(packed);
  ASSERT_EQ(got.size(), wanted.size());
  for (std::size_t i = 0; i < got.size(); ++i)
    EXPECT_LT(relative_difference(got[i].second.grad(), wanted[i].second.grad()), 1e-4)
        << got[i].first;
  torch::NoGradGuard no_grad;
  const TemporaryFolder scratch;
  save_adapter(packed, config, scratch / "adapter", "base");
  auto original = base();
  load_adapter(original, scratch / "adapter");  // known again by the full-precision base
  if (!method().merges) return;
  bool of_projections = false;
  for (const auto& [path, projection] : named_projections(*packed))
    of_projections = of_projections || projection->active_adapter() != nullptr;
  if (of_projections) {
    EXPECT_NE(error_of([&] { merge(packed); }).find("base is quantised"), std::string::npos);
  }
  save_pretrained(packed, scratch / "merged");
  auto merged = load_pretrained(scratch / "merged");
  EXPECT_LT(relative_difference(merged(input_ids()), logits), 1e-4);
}

INSTANTIATE_TEST_SUITE_P(Methods,
                         PeftContract,
                         ::testing::Combine(::testing::ValuesIn(methods()),
                                            ::testing::Values("llama", "llama_tied_bias")),
                         [](const auto& test) {
                           return std::get<0>(test.param).name + "_" + std::get<1>(test.param);
                         });

/// Every adapter of PEFT's that is kept here, by the logits that PEFT gives with it.
class PeftFixtures : public ::testing::TestWithParam<std::string> {};

TEST_P(PeftFixtures, GivePeftsLogits) {
  torch::NoGradGuard no_grad;
  const auto folder = fixture_path("models/adapters/" + GetParam());
  const auto config = read_json(folder / "adapter_config.json");
  auto model = load_pretrained(folder / config["base_model_name_or_path"].get<std::string>());
  const auto loaded = load_adapter(model, folder);
  const SafetensorsFile expected(folder / "expected.safetensors");
  const auto wanted = [&](const char* key) {
    // Virtual tokens show in PEFT's logits, in front.
    const auto all = map_tensor(expected.at(key), expected.owner());
    return all.slice(1, all.size(1) - input_ids().size(1));
  };
  EXPECT_LT(relative_difference(model(input_ids()), wanted("logits")), 1e-5);
  const TemporaryFolder scratch;
  save_adapter(model, loaded, scratch / "adapter", "base");
  if (expected.find("merged_logits") != nullptr) {
    merge(model);
    EXPECT_LT(relative_difference(model(input_ids()), wanted("merged_logits")), 1e-5);
    unmerge(model);
    EXPECT_LT(relative_difference(model(input_ids()), wanted("logits")), 1e-5);
  }
  auto again = load_pretrained(folder / config["base_model_name_or_path"].get<std::string>());
  EXPECT_EQ(load_adapter(again, scratch / "adapter"), loaded);
  EXPECT_LT(relative_difference(again(input_ids()), wanted("logits")), 1e-5);
}

std::vector<std::string> fixture_names() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(fixture_path("models/adapters")))
    if (entry.is_directory()) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

INSTANTIATE_TEST_SUITE_P(Peft,
                         PeftFixtures,
                         ::testing::ValuesIn(fixture_names()),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace hone
