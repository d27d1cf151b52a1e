#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include <gtest/gtest.h>

#include <hone/base/error.h>
#include <hone/format/dynamic_map.h>
#include <hone/format/nf4.h>
#include <hone/format/safetensors.h>

#include "base/error_of.h"
#include "shared_data.h"

namespace hone {
namespace {

using testing::error_of;
using testing::fixture_path;

/// What bitsandbytes computed; see make_nf4_fixtures.py.
const SafetensorsFile& bitsandbytes() {
  static const SafetensorsFile file(fixture_path("format/nf4.safetensors"));
  return file;
}

std::vector<float> floats(const std::string& name) {
  const auto bytes = bitsandbytes().at(name).bytes;
  std::vector<float> numbers(bytes.size() / sizeof(float));
  std::memcpy(numbers.data(), bytes.data(), bytes.size());
  return numbers;
}

std::vector<float> decoded(const Nf4Numbers& numbers) {
  std::vector<float> out(static_cast<std::size_t>(numbers.count()));
  numbers.decode(0, out);
  return out;
}

TEST(Nf4, CodesEqualBitsandbytes) {
  const auto weight = floats("weight");
  const auto codes = bitsandbytes().at("single.codes").bytes;
  for (const bool nested : {false, true}) {
    const Nf4Numbers numbers(weight, nested);
    ASSERT_EQ(numbers.codes().size(), codes.size());
    EXPECT_EQ(std::memcmp(numbers.codes().data(), codes.data(), codes.size()), 0);
  }
}

TEST(Nf4, NumbersBesideTheLimitsOfCodesEqualBitsandbytes) {
  const Nf4Numbers numbers(floats("limits"), false);
  const auto codes = bitsandbytes().at("limits.codes").bytes;
  ASSERT_EQ(numbers.codes().size(), codes.size());
  for (std::size_t i = 0; i < codes.size(); ++i)
    EXPECT_EQ(numbers.codes()[i], static_cast<std::uint8_t>(codes[i])) << i;
}

TEST(Nf4, ScalesEqualBitsandbytes) {
  const Nf4Numbers numbers(floats("weight"), false);
  const auto wanted = floats("single.absmax");
  for (std::size_t i = 0; i < wanted.size(); ++i)
    EXPECT_EQ(numbers.scale(static_cast<std::int64_t>(i)), wanted[i]) << i;
}

TEST(Nf4, QuantisedScalesEqualBitsandbytes) {
  // One block of 256 scales and a part of another: the largest number of each block is its scale.
  const auto scales = floats("nested.absmax");
  std::vector<float> blocks(scales.size() * Nf4Numbers::kBlock);
  for (std::size_t i = 0; i < scales.size(); ++i) blocks[i * Nf4Numbers::kBlock] = scales[i];
  const Nf4Numbers numbers(blocks, true);
  // The mean is summed in another order, and what is left of a scale rounds accordingly.
  EXPECT_NEAR(numbers.scale_mean(), floats("nested.mean")[0], 1e-7);
  const auto own = floats("nested.scales");
  ASSERT_EQ(numbers.scale_scales().size(), own.size());
  for (std::size_t i = 0; i < own.size(); ++i)
    EXPECT_NEAR(numbers.scale_scales()[i], own[i], 1e-7) << i;
  const auto codes = bitsandbytes().at("nested.codes").bytes;
  const auto values = floats("nested.values");
  ASSERT_EQ(numbers.scale_codes().size(), codes.size());
  for (std::size_t i = 0; i < codes.size(); ++i) {
    EXPECT_EQ(numbers.scale_codes()[i], static_cast<std::uint8_t>(codes[i])) << i;
    EXPECT_NEAR(numbers.scale(static_cast<std::int64_t>(i)), values[i], 1e-6) << i;
  }
}

TEST(Nf4, ValuesEqualBitsandbytes) {
  const auto weight = floats("weight");
  const auto single = decoded(Nf4Numbers(weight, false)), wanted = floats("single.values");
  for (std::size_t i = 0; i < wanted.size(); ++i) EXPECT_EQ(single[i], wanted[i]) << i;
  // The mean of the scales is summed in another order.
  const auto nested = decoded(Nf4Numbers(weight, true)), nested_wanted = floats("double.values");
  for (std::size_t i = 0; i < nested_wanted.size(); ++i)
    EXPECT_NEAR(nested[i], nested_wanted[i], 1e-6) << i;
}

TEST(Nf4, TheDynamicTypeEqualsBitsandbytes) {
  const auto wanted = floats("dynamic");
  for (std::size_t i = 0; i < wanted.size(); ++i)
    EXPECT_NEAR(DynamicMap::with_sign().values()[i], wanted[i], 1e-7) << i;
}

TEST(Nf4, TakesHalfAByteAndAScaleForSixtyFour) {
  const std::vector<float> numbers(64 * 512, 0.5f);
  EXPECT_EQ(Nf4Numbers(numbers, false).bytes(), 64 * 512 / 2 + 512 * 4);
  EXPECT_EQ(Nf4Numbers(numbers, true).bytes(), 64 * 512 / 2 + 512 + 2 * 4);
}

TEST(Nf4, DecodesFromAnyBlock) {
  const auto weight = floats("weight");
  const Nf4Numbers numbers(weight, true);
  const auto whole = decoded(numbers);
  std::vector<float> part(192);
  numbers.decode(192 * 7, part);
  EXPECT_TRUE(std::equal(part.begin(), part.end(), whole.begin() + 192 * 7));
}

TEST(Nf4, RefusesWhatItCannotHold) {
  const std::vector<float> odd(65, 1.0f);
  EXPECT_NE(error_of([&] { Nf4Numbers(odd, false); }).find("blocks of 64, not 65"),
            std::string::npos);
  std::vector<float> bad(64, 1.0f);
  bad[9] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_NE(error_of([&] { Nf4Numbers(bad, false); }).find("not finite"), std::string::npos);
}

TEST(Int8, RoundsToTheNearestOf255Steps) {
  const std::vector<float> row = {1.0f, -2.0f, 0.5f, 0.0f, 1.999f};
  std::vector<std::int8_t> codes(row.size());
  EXPECT_EQ(quantize_int8(row, codes), 2.0f);
  EXPECT_EQ(codes, (std::vector<std::int8_t>{64, -127, 32, 0, 127}));
  const std::vector<float> zeros(3, 0.0f);
  std::vector<std::int8_t> none(3, 1);
  EXPECT_EQ(quantize_int8(zeros, none), 0.0f);
  EXPECT_EQ(none, (std::vector<std::int8_t>{0, 0, 0}));
}

TEST(Nf4, TakesScalesAtTheEndsOfFp32) {
  for (const float size : {1e-45f, 1e-38f, 3e38f}) {
    std::vector<float> numbers(64, 0.0f);
    numbers[1] = -size;
    for (const bool nested : {false, true}) {
      const auto back = decoded(Nf4Numbers(numbers, nested));
      EXPECT_EQ(back[0], 0.0f) << size;
      EXPECT_NEAR(back[1] / size, -1.0f, size < 1e-40f ? 1.0f : 1e-2f) << size;
    }
  }
}

TEST(Int8, EqualsBitsandbytes) {
  const auto weight = floats("weight"), largest = floats("int8.absmax");
  const auto values = floats("int8.values");
  const auto wanted = bitsandbytes().at("int8.codes").bytes;
  const auto width = weight.size() / largest.size();
  std::vector<std::int8_t> codes(width);
  std::vector<float> back(width);
  for (std::size_t row = 0; row < largest.size(); ++row) {
    EXPECT_EQ(quantize_int8({weight.data() + row * width, width}, codes), largest[row]);
    EXPECT_EQ(std::memcmp(codes.data(), wanted.data() + row * width, width), 0) << row;
    dequantize_int8(codes, largest[row], back);
    EXPECT_TRUE(std::equal(back.begin(), back.end(), values.begin() + row * width)) << row;
  }
}

TEST(Int8, RefusesWhatIsNotFinite) {
  std::vector<std::int8_t> codes(2);
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
    const std::vector<float> row = {1.0f, bad};
    EXPECT_EQ(error_of([&] { quantize_int8(row, codes); }), "INT8: a number is not finite");
  }
  const std::vector<float> tiny = {1e-45f, 0.0f};
  quantize_int8(tiny, codes);
  EXPECT_EQ(codes[1], 0);
}

}  // namespace
}  // namespace hone
