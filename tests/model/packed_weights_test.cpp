#include <limits>

#include <ATen/ATen.h>
#include <c10/core/Allocator.h>
#include <torch/types.h>

#include <gtest/gtest.h>

#include <hone/base/error.h>
#include <hone/base/files.h>
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

PackedPointer in_gguf(GgmlType type, std::string blocks, std::int64_t rows, std::int64_t columns) {
  const auto owner = std::make_shared<std::string>(std::move(blocks));
  return pack_gguf({"blk.0.ffn_up.weight", type, {columns, rows}, *owner}, owner);
}

/// A matrix of the fixture's blocks, in an order that makes neighbouring rows different.
PackedPointer tiled(GgmlType type, std::int64_t rows, std::int64_t columns) {
  const auto name = "format/quants/" + std::string(ggml_type_name(type)) + ".bin";
  const auto some = read_file(fixture_path(name));
  const auto size = static_cast<std::size_t>(block_bytes(type));
  const auto order = at::randint(static_cast<std::int64_t>(some.size() / size),
                                 {rows * columns / block_elements(type)}, at::kLong);
  std::string blocks;
  for (std::int64_t i = 0; i < order.numel(); ++i)
    blocks += some.substr(order.const_data_ptr<std::int64_t>()[i] * size, size);
  return in_gguf(type, blocks, rows, columns);
}

/// `weight` in each form that can be made of it, then matrices in the others.
std::vector<PackedPointer> forms(const Tensor& weight) {
  const auto rows = weight.size(0), columns = weight.size(1);
  std::vector<PackedPointer> all = {pack_nf4(weight, false), pack_nf4(weight), pack_int8(weight)};
  for (const auto type : {GgmlType::Q4_0, GgmlType::Q8_0}) {
    all.push_back(in_gguf(
        type,
        quantize(type, {weight.const_data_ptr<float>(), static_cast<std::size_t>(weight.numel())}),
        rows, columns));
  }
  for (const auto type : {GgmlType::Q4_1, GgmlType::Q5_0, GgmlType::Q5_1, GgmlType::Q2_K,
                          GgmlType::Q3_K, GgmlType::Q4_K, GgmlType::Q5_K, GgmlType::Q6_K})
    all.push_back(tiled(type, rows, columns));
  return all;
}

/// More rows than one panel holds, and no multiple of it.
Tensor some_weight() {
  at::manual_seed(7);
  return at::randn({1501, 256});
}

/// Compares with the layer over the expanded matrix: the result, and the gradients of x and bias.
void expect_same_layer(const PackedPointer& packed,
                       const Tensor& input,
                       bool with_bias,
                       double tolerance) {
  const auto dense = packed->dequantize(input.scalar_type());
  const auto own_bias = with_bias ? at::randn({packed->rows()}, input.options()) : Tensor();
  auto shape = input.sizes().vec();
  shape.back() = packed->rows();
  // Of random signs: where all terms of a gradient cancel, nothing but rounding would be compared.
  const auto direction = at::randn(shape, input.options());
  const auto run = [&](const auto& layer) {
    const auto x = input.detach().requires_grad_();
    const auto bias = with_bias ? own_bias.detach().requires_grad_() : Tensor();
    const auto y = layer(x, bias);
    y.backward(direction);
    std::vector<Tensor> results = {y, x.grad()};
    if (with_bias) results.push_back(bias.grad());
    return results;
  };
  const auto got = run(
      [&](const Tensor& x, const Tensor& bias) { return kernels::packed_linear(x, packed, bias); });
  const auto wanted =
      run([&](const Tensor& x, const Tensor& bias) { return at::linear(x, dense, bias); });
  for (std::size_t i = 0; i < got.size(); ++i) {
    EXPECT_EQ(got[i].scalar_type(), input.scalar_type());
    EXPECT_LT(relative_difference(got[i], wanted[i]), tolerance)
        << packed->type_name() << " " << input.scalar_type() << ", result " << i;
  }
}

TEST(PackedLinear, EqualsTheExpandedProductAndItsGradient) {
  for (const auto& packed : forms(some_weight())) {
    for (const bool with_bias : {false, true}) {
      const auto x = at::randn({2, 5, 256}, at::kDouble);
      expect_same_layer(packed, x, with_bias, 1e-13);
      expect_same_layer(packed, x.to(at::kFloat), with_bias, 1e-6);
      expect_same_layer(packed, x.to(at::kBFloat16), with_bias, 1e-2);
    }
  }
}

TEST(PackedLinear, TakesInputsOfAnyShape) {
  at::manual_seed(8);
  for (const std::int64_t rows : {1, 7, 1024, 1025}) {
    const auto packed = tiled(GgmlType::Q8_0, rows, 256);
    expect_same_layer(packed, at::randn({256}), true, 1e-6);
    expect_same_layer(packed, at::randn({1, 1, 256}), true, 1e-6);
    EXPECT_EQ(kernels::packed_linear(at::randn({2, 0, 256}), packed, {}).sizes(),
              (std::vector<std::int64_t>{2, 0, rows}));
    expect_same_layer(packed, at::randn({256, 33}).t(), true, 1e-6);
    EXPECT_THROW(kernels::packed_linear(at::randn({3, 255}), packed, {}), c10::Error);
  }
}

TEST(PackedLinear, GradientEqualsFiniteDifferences) {
  const auto weight = some_weight().narrow(0, 0, 11);
  for (const auto& packed : {pack_nf4(weight), tiled(GgmlType::Q4_K, 11, 256)}) {
    const auto x = at::randn({3, 256}, at::kDouble).requires_grad_();
    const auto loss = [&](const Tensor& at) {
      return kernels::packed_linear(at, packed, {}).sin().sum();
    };
    loss(x).backward();
    torch::NoGradGuard no_grad;
    for (const std::int64_t place : {0, 100, 300, 767}) {
      auto step = at::zeros({768}, at::kDouble);
      step[place] = 1e-5;
      const auto slope = (loss(x + step.view_as(x)) - loss(x - step.view_as(x))) / 2e-5;
      EXPECT_NEAR(slope.item<double>(), x.grad().view({-1})[place].item<double>(), 1e-5);
    }
  }
}

/// Notes the largest piece of memory that LibTorch is asked for.
struct LargestAllocation : c10::MemoryReportingInfoBase {
  void reportMemoryUsage(void*, std::int64_t size, std::size_t, std::size_t, c10::Device) override {
    bytes = std::max(bytes, size);
  }
  bool memoryProfilingEnabled() const override { return true; }
  std::int64_t bytes = 0;
};

TEST(PackedLinear, NeverExpandsTheWholeMatrix) {
  const auto packed = tiled(GgmlType::Q4_0, 8192, 512);  // 16 MiB in fp32
  for (const auto dtype : {at::kFloat, at::kBFloat16, at::kDouble}) {
    const auto x = at::randn({4, 512}, dtype).requires_grad_();
    const auto largest = std::make_shared<LargestAllocation>();
    const c10::DebugInfoGuard guard(c10::DebugInfoKind::PROFILER_STATE, largest);
    kernels::packed_linear(x, packed, {}).sum().backward();
    EXPECT_GT(largest->bytes, 4 * 8192);
    EXPECT_LE(largest->bytes, 2 << 20) << dtype;
  }
}

TEST(PackedLinear, LooksUpRowsAndLoss) {
  for (const auto& packed : forms(some_weight())) {
    const auto name = packed->type_name();
    const auto dense = packed->dequantize(at::kFloat);
    const auto ids = at::tensor({3, 1500, 0, 3}, at::kLong);
    EXPECT_TRUE(
        same_bits(kernels::packed_embedding(ids, *packed, at::kFloat), dense.index_select(0, ids)))
        << name;
    EXPECT_THROW(kernels::packed_embedding(at::tensor({1501}, at::kLong), *packed, at::kFloat),
                 c10::Error);
    const auto hidden = at::randn({9, 256}).requires_grad_();
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
  constexpr std::int64_t kNumbers = 1501 * 256, kBlocks = kNumbers / 64;
  const auto packed = forms(some_weight());
  EXPECT_EQ(packed[0]->bytes(), kNumbers / 2 + 4 * kBlocks);
  EXPECT_EQ(packed[1]->bytes(), kNumbers / 2 + kBlocks + 4 * ((kBlocks + 255) / 256));
  EXPECT_EQ(packed[2]->bytes(), kNumbers + 4 * 1501);
  EXPECT_EQ(packed[3]->bytes(), kNumbers / 32 * 18);
  EXPECT_EQ(packed[4]->bytes(), kNumbers / 32 * 34);
  EXPECT_EQ(tiled(GgmlType::Q6_K, 3, 512)->bytes(), 3 * 2 * 210);
}

TEST(PackedLinear, RefusesBlocksThatDoNotFit) {
  const auto refusal = [](GgmlType type, std::size_t bytes, std::vector<std::int64_t> shape) {
    const auto owner = std::make_shared<std::string>(bytes, '\0');
    return error_of([&] { pack_gguf({"blk.0.ffn_up.weight", type, shape, *owner}, owner); });
  };
  EXPECT_EQ(refusal(GgmlType::Q4_0, 36, {32, 2}), "");
  EXPECT_EQ(refusal(GgmlType::Q4_0, 35, {32, 2}),
            "tensor \"blk.0.ffn_up.weight\" has 35 bytes, 2 x 32 numbers in Q4_0 take 36");
  EXPECT_EQ(
      refusal(GgmlType::Q6_K, 210, {128, 2}),
      "tensor \"blk.0.ffn_up.weight\": rows of 128 numbers are not whole blocks of 256 (Q6_K)");
  EXPECT_EQ(refusal(GgmlType::Q4_0, 36, {64}),
            "tensor \"blk.0.ffn_up.weight\" has 1 dimensions, not two");
  auto bad = at::zeros({2, 64});
  bad[1][5] = std::numeric_limits<float>::infinity();
  EXPECT_EQ(error_of([&] { pack_nf4(bad); }), "NF4: a number is not finite");
  EXPECT_EQ(error_of([&] { pack_int8(bad); }), "INT8: a number is not finite");
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
