#include <string>

#include <gtest/gtest.h>

#include <hone/base/utf8.h>

namespace hone {
namespace {

/// `point` in UTF-8, by the definition; surrogates too.
std::string encode(unsigned point) {
  const auto tail = [&](int shift) { return static_cast<char>(0x80 | (point >> shift & 0x3f)); };
  if (point < 0x80) return {static_cast<char>(point)};
  if (point < 0x800) return {static_cast<char>(0xc0 | point >> 6), tail(0)};
  if (point < 0x10000) return {static_cast<char>(0xe0 | point >> 12), tail(6), tail(0)};
  return {static_cast<char>(0xf0 | point >> 18), tail(12), tail(6), tail(0)};
}

TEST(FindInvalidUtf8, AcceptsEveryScalarValueAndNoOther) {
  for (unsigned point = 0; point < 0x120000; ++point) {
    const bool scalar = point < 0xd800 || (point > 0xdfff && point <= 0x10ffff);
    const auto found = find_invalid_utf8("ab" + encode(point) + "cdefghijk");
    ASSERT_EQ(found, scalar ? std::nullopt : std::optional<std::size_t>(2)) << std::hex << point;
  }
}

TEST(FindInvalidUtf8, FindsTheFirstBadByte) {
  EXPECT_EQ(find_invalid_utf8("12345678\xe9"), 8u);
  EXPECT_EQ(find_invalid_utf8("a\xc3"), 1u);             // cut short
  EXPECT_EQ(find_invalid_utf8("\xc3\xa9\x80"), 2u);      // lone continuation
  EXPECT_EQ(find_invalid_utf8("\xc0\xaf"), 0u);          // overlong
  EXPECT_EQ(find_invalid_utf8("\xe0\x80\xaf"), 0u);      // overlong
  EXPECT_EQ(find_invalid_utf8("\xf0\x80\x80\xaf"), 0u);  // overlong
  EXPECT_EQ(find_invalid_utf8("x\xff"), 1u);
  EXPECT_EQ(find_invalid_utf8(""), std::nullopt);
}

TEST(Quote, StaysOnOneLineAndIsCut) {
  EXPECT_EQ(quote("a\"\\\n\xe9\xc3\xa9"), "\"a\\\"\\\\\\u000a\\xe9\xc3\xa9\"");
  EXPECT_EQ(quote(std::string(500, 'x'), 10), "\"xxxxxxxxx\" ...");
}

}  // namespace
}  // namespace hone
