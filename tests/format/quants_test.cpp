#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <hone/base/files.h>
#include <hone/format/quantize.h>
#include <hone/format/quants.h>

#include "base/error_of.h"
#include "shared_data.h"

namespace hone {
namespace {

using testing::contains;
using testing::error_of;

constexpr GgmlType kAll[] = {GgmlType::F32,  GgmlType::F16,  GgmlType::BF16, GgmlType::Q4_0,
                             GgmlType::Q4_1, GgmlType::Q5_0, GgmlType::Q5_1, GgmlType::Q8_0,
                             GgmlType::Q2_K, GgmlType::Q3_K, GgmlType::Q4_K, GgmlType::Q5_K,
                             GgmlType::Q6_K};

std::string fixture(GgmlType type, const char* extension) {
  const auto name = std::string(ggml_type_name(type)) + extension;
  return read_file(testing::fixture_path("format/quants/" + name));
}

// Blocks of the Python package gguf; see make_quant_fixtures.py.
TEST(Quantize, EqualsTheReferenceBitForBit) {
  const auto bytes = read_file(testing::fixture_path("format/quants/values.f32"));
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  for (const auto type : {GgmlType::Q8_0, GgmlType::Q4_0}) {
    const auto name = "format/quants/values." + std::string(ggml_type_name(type));
    EXPECT_TRUE(quantize(type, values) == read_file(testing::fixture_path(name)))
        << ggml_type_name(type);
  }
}

TEST(Quantize, OtherTypesAndPartsOfBlocksAreRefused) {
  const std::vector<float> values(33);
  EXPECT_TRUE(contains(error_of([&] { quantize(GgmlType::Q8_0, values); }), "of 33 numbers"));
  EXPECT_TRUE(contains(error_of([&] { quantize(GgmlType::Q6_K, {values.data(), 32}); }), "Q6_K"));
}

class Dequantize : public ::testing::TestWithParam<GgmlType> {};

// Values of the Python package gguf; see make_quant_fixtures.py.
TEST_P(Dequantize, EqualsTheReferenceBitForBit) {
  const auto blocks = fixture(GetParam(), ".bin");
  const auto expected = fixture(GetParam(), ".f32");
  std::vector<float> values(expected.size() / sizeof(float));
  ASSERT_FALSE(values.empty());
  dequantize(GetParam(), blocks, values);
  for (std::size_t i = 0; i < values.size(); ++i) {
    ASSERT_EQ(std::memcmp(&values[i], expected.data() + i * sizeof(float), sizeof(float)), 0)
        << "element " << i << ": " << values[i];
  }
}

TEST_P(Dequantize, RangesEqualTheWhole) {
  const auto blocks = fixture(GetParam(), ".bin");
  const auto block = block_elements(GetParam());
  const auto count = static_cast<std::int64_t>(blocks.size()) / block_bytes(GetParam()) * block;
  std::vector<float> whole(static_cast<std::size_t>(count));
  dequantize(GetParam(), blocks, whole);
  std::vector<float> parts(whole.size());
  for (std::int64_t first = 0; first < count; first += 3 * block) {
    const auto size = std::min(3 * block, count - first);
    dequantize_range(GetParam(), blocks, first,
                     std::span(parts).subspan(static_cast<std::size_t>(first), size));
  }
  EXPECT_EQ(std::memcmp(whole.data(), parts.data(), whole.size() * sizeof(float)), 0);
}

TEST_P(Dequantize, RefusesSizesThatDisagree) {
  const auto blocks = fixture(GetParam(), ".bin");
  const auto block = static_cast<std::size_t>(block_elements(GetParam()));
  std::vector<float> values(block);
  EXPECT_TRUE(
      contains(error_of([&] { dequantize(GetParam(), blocks, values); }), " elements do not fit "));
  EXPECT_TRUE(contains(error_of([&] {
                         dequantize_range(GetParam(), blocks, -static_cast<std::int64_t>(block),
                                          values);
                       }),
                       "not whole blocks"));
  const auto end = static_cast<std::int64_t>(blocks.size()) / block_bytes(GetParam()) *
                   block_elements(GetParam());
  EXPECT_TRUE(contains(error_of([&] { dequantize_range(GetParam(), blocks, end, values); }),
                       "not whole blocks"));
  if (block > 1) {
    EXPECT_TRUE(contains(error_of([&] { dequantize_range(GetParam(), blocks, 1, values); }),
                         "not whole blocks"));
  }
  dequantize(GetParam(), "", {});
}

INSTANTIATE_TEST_SUITE_P(Types, Dequantize, ::testing::ValuesIn(kAll), [](const auto& type) {
  return std::string(ggml_type_name(type.param));
});

/// IEEE half precision by its definition.
float half_by_definition(int bits) {
  const int exponent = bits >> 10 & 31;
  const double fraction = (bits & 0x3ff) / 1024.0;
  double value = 0;
  if (exponent == 31) {
    value = std::numeric_limits<double>::infinity();
  } else {
    value = exponent == 0 ? std::ldexp(fraction, -14) : std::ldexp(1 + fraction, exponent - 15);
  }
  return static_cast<float>(bits & 0x8000 ? -value : value);
}

TEST(Dequantize, EveryHalfPrecisionNumber) {
  std::vector<std::uint16_t> halves(1 << 16);
  for (std::size_t i = 0; i < halves.size(); ++i) halves[i] = static_cast<std::uint16_t>(i);
  std::vector<float> values(halves.size());
  dequantize(GgmlType::F16, {reinterpret_cast<const char*>(halves.data()), halves.size() * 2},
             values);
  for (int i = 0; i < 1 << 16; ++i) {
    if ((i & 0x7fff) > 0x7c00) {
      ASSERT_TRUE(std::isnan(values[static_cast<std::size_t>(i)])) << i;
    } else {
      const float expected = half_by_definition(i);
      ASSERT_EQ(std::memcmp(&values[static_cast<std::size_t>(i)], &expected, sizeof(float)), 0)
          << i;
    }
  }
}

TEST(GgmlTypes, NumbersAndNames) {
  for (const auto type : kAll)
    EXPECT_EQ(ggml_type_from_number(static_cast<std::uint32_t>(type)), type);
  EXPECT_EQ(ggml_type_from_number(4), std::nullopt);
  EXPECT_EQ(ggml_type_from_number(99), std::nullopt);
  EXPECT_EQ(ggml_type_name(23u), "IQ4_XS");
  EXPECT_EQ(ggml_type_name(30u), "BF16");
  EXPECT_EQ(ggml_type_name(39u), "MXFP4");
  EXPECT_EQ(ggml_type_name(99u), "");
}

}  // namespace
}  // namespace hone
