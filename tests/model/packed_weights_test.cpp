#include <ATen/ATen.h>
#include <torch/types.h>

#include <gtest/gtest.h>

#include <hone/base/error.h>
#include <hone/format/quantize.h>
#include <hone/kernels/linear_cross_entropy.h>
#include <hone/kernels/packed_linear.h>
#include <hone/model/gguf_export.h>
#include <hone/model/packed_weights.h>
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

/// A matrix in each form, whose rows do not fill a panel.
std::vector<std::pair<std::string, PackedPointer>> forms(const Tensor& weight) {
  const auto in_gguf = [&](GgmlType type) {
    auto bytes =
        quantize(type, {weight.const_data_ptr<float>(), static_cast<std::size_t>(weight.numel())});
    const auto owner = std::make_shared<std::string>(std::move(bytes));
    const GgufTensor tensor{"w", type, {weight.size(1), weight.size(0)}, *owner};
    return pack_gguf(tensor, owner);
  };
  return {{"Q4_0", in_gguf(GgmlType::Q4_0)},
          {"Q8_0", in_gguf(GgmlType::Q8_0)},
          {"NF4", pack_nf4(weight)},
          {"INT8", pack_int8(weight)}};
}

Tensor some_weight() {
  at::manual_seed(7);
  return at::randn({1501, 192});
}

TEST(PackedLinear, EqualsTheExpandedProductAndItsGradient) {
  for (const auto& [name, packed] : forms(some_weight())) {
    EXPECT_EQ(packed->type_name(), name);
    for (const auto dtype : {at::kFloat, at::kDouble}) {
      const double tolerance = dtype == at::kDouble ? 1e-13 : 2e-6;
      const auto dense = packed->dequantize(dtype);
      const auto bias = at::randn({1501}, dtype).requires_grad_();
      const auto make_x = [&] { return at::randn({2, 5, 192}, dtype).requires_grad_(); };
      const auto x = make_x();
      const auto same = x.detach().clone().requires_grad_();
      const auto y = kernels::packed_linear(x, packed, bias);
      const auto wanted = at::linear(same, dense, bias);
      EXPECT_LT(relative_difference(y, wanted), tolerance) << name;
      y.pow(2).sum().backward();
      const auto bias_gradient = bias.grad().clone();
      bias.mutable_grad().reset();
      wanted.pow(2).sum().backward();
      EXPECT_LT(relative_difference(x.grad(), same.grad()), tolerance) << name;
      EXPECT_LT(relative_difference(bias_gradient, bias.grad()), tolerance) << name;
    }
  }
}

TEST(PackedLinear, LooksUpRowsAndLoss) {
  for (const auto& [name, packed] : forms(some_weight())) {
    const auto dense = packed->dequantize(at::kFloat);
    const auto ids = at::tensor({3, 1500, 0, 3}, at::kLong);
    EXPECT_TRUE(
        same_bits(kernels::packed_embedding(ids, *packed, at::kFloat), dense.index_select(0, ids)))
        << name;
    EXPECT_THROW(kernels::packed_embedding(at::tensor({1501}, at::kLong), *packed, at::kFloat),
                 c10::Error);
    const auto hidden = at::randn({9, 192}).requires_grad_();
    const auto same = hidden.detach().clone().requires_grad_();
    const auto targets = at::randint(1501, {9}, at::kLong);
    const auto loss = kernels::linear_cross_entropy(hidden, *packed, targets, 30);
    const auto wanted = kernels::linear_cross_entropy(same, dense, targets, 30);
    EXPECT_LT(relative_difference(loss, wanted), 1e-6) << name;
    loss.backward();
    wanted.backward();
    EXPECT_LT(relative_difference(hidden.grad(), same.grad()), 1e-5) << name;
  }
}

TEST(PackedLinear, TakesTheMemoryOfItsForm) {
  const auto packed = forms(some_weight());
  constexpr std::int64_t kNumbers = 1501 * 192;
  EXPECT_EQ(packed[0].second->bytes(), kNumbers / 32 * 18);
  EXPECT_EQ(packed[1].second->bytes(), kNumbers / 32 * 34);
  EXPECT_LT(packed[2].second->bytes(), kNumbers * 0.53);
  EXPECT_EQ(packed[3].second->bytes(), kNumbers + 1501 * 4);
}

TEST(PackedModel, RefusesWhatCannotBePacked) {
  EXPECT_NE(error_of([] { pack_nf4(at::zeros({4, 96})); }).find("width 96"), std::string::npos);
  EXPECT_NE(error_of([] {
              load_pretrained(fixture_path("models/llama"), {.quantization = Quantization::kNf4});
            }).find("model.layers.0"),
            std::string::npos);
  EXPECT_NE(error_of([] {
              load_pretrained(fixture_path("models/llama"),
                              {.quantization = Quantization::kStored});
            }).find("only a .gguf file"),
            std::string::npos);
  EXPECT_NE(error_of([] { quantization("fp4"); }).find("\"fp4\" is not one of none, stored"),
            std::string::npos);
}

TEST(PackedModel, ComputesAsItsExpandedFile) {
  // The rows of q and k lie in another order in the file; embedding and tied head are packed too.
  torch::NoGradGuard no_grad;
  const testing::TemporaryFolder scratch;
  for (const char* name : {"llama", "llama_tied_bias"}) {
    const auto path = scratch / (std::string(name) + ".gguf");
    save_gguf(load_pretrained(fixture_path(std::string("models/") + name)), path, GgmlType::Q8_0,
              {});
    auto packed = load_pretrained(path, {.quantization = Quantization::kStored});
    auto dense = load_pretrained(path);
    EXPECT_LT(relative_difference(packed(input_ids()), dense(input_ids())), 1e-5) << name;
    EXPECT_LT(weight_bytes(packed), 0.45 * static_cast<double>(weight_bytes(dense))) << name;
    const auto hidden = dense->hidden_states(Sequences::single(input_ids()[0]));
    const auto targets = input_ids()[0];
    EXPECT_LT(relative_difference(packed->summed_loss(hidden, targets),
                                  dense->summed_loss(hidden, targets)),
              1e-6)
        << name;
  }
}

}  // namespace
}  // namespace hone
