#include <gtest/gtest.h>

#include <hone/format/dtype.h>

namespace hone {
namespace {

using Shape = std::vector<std::int64_t>;

TEST(ElementCount, CountsAndFindsOverflow) {
  EXPECT_EQ(element_count({}), 1);
  EXPECT_EQ(element_count({2, 3, 4}), 24);
  EXPECT_EQ(element_count({4, 0}), 0);
  EXPECT_EQ(element_count({-1}), std::nullopt);
  EXPECT_EQ(element_count(Shape(2, std::int64_t{1} << 32)), std::nullopt);
  EXPECT_EQ(element_count({INT64_MAX}), INT64_MAX);
  // A zero does not hide an overflow, wherever it stands.
  EXPECT_EQ(element_count({0, std::int64_t{1} << 62, 4}), std::nullopt);
  EXPECT_EQ(element_count({std::int64_t{1} << 62, 4, 0}), std::nullopt);
}

TEST(DType, NamesAreTheFormats) {
  EXPECT_EQ(dtype_name(DType::BF16), "BF16");
  EXPECT_EQ(item_size(DType::I64), 8u);
  for (const auto* name : {"BOOL", "U8", "I8", "I16", "F16", "BF16", "I32", "F32", "F64", "I64"}) {
    const auto dtype = dtype_from_name(name);
    ASSERT_TRUE(dtype) << name;
    EXPECT_EQ(dtype_name(*dtype), name);
    EXPECT_FALSE(is_unsupported_dtype_name(name));
  }
  EXPECT_TRUE(is_unsupported_dtype_name("F8_E4M3"));
  EXPECT_FALSE(is_unsupported_dtype_name("F12"));
  EXPECT_EQ(dtype_from_name("F8_E4M3"), std::nullopt);
}

}  // namespace
}  // namespace hone
