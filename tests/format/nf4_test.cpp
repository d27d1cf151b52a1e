#include <cmath>
#include <cstring>
#include <limits>

#include <gtest/gtest.h>

#include <hone/base/error.h>
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
    EXPECT_NEAR(dynamic_values()[i], wanted[i], 1e-7) << i;
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

}  // namespace
}  // namespace hone
