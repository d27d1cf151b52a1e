#include <chrono>

#include <gtest/gtest.h>

#include <hone/text/unicode.h>

namespace hone {
namespace {

std::string read_all(std::string_view bytes) {
  std::string out;
  append_valid_utf8(bytes, true, out);
  return out;
}

TEST(Unicode, BrokenRunsBecomeOneReplacementEach) {
  // Expected values are those of Python's bytes.decode("utf-8", "replace").
  EXPECT_EQ(read_all("a\xe6\xad"), "a\ufffd");
  EXPECT_EQ(read_all("\xe6\xad x"), "\ufffd x");
  EXPECT_EQ(read_all("\xff\xfe"), "\ufffd\ufffd");
  EXPECT_EQ(read_all("\xc0\xaf"), "\ufffd\ufffd");
  EXPECT_EQ(read_all("\xed\xa0\x80"), "\ufffd\ufffd\ufffd");
  EXPECT_EQ(read_all("\xf0\x9f\x98\xf0\x9f\x98\x80"), "\ufffd\U0001f600");
  EXPECT_EQ(read_all("\xf4\x90\x80\x80"), "\ufffd\ufffd\ufffd\ufffd");
}

TEST(Unicode, CutCharacterWaits) {
  const std::string text = "ab\U0001f600";
  for (std::size_t length = 0; length <= text.size(); ++length) {
    std::string out;
    const auto read = append_valid_utf8(std::string_view(text).substr(0, length), false, out);
    EXPECT_EQ(read, length < 3 ? length : length < text.size() ? 2 : length);
    EXPECT_EQ(out, text.substr(0, read));
  }
}

TEST(Unicode, NormalForms) {
  EXPECT_EQ(normalize("cafe\u0301", NormalForm::kNfc), "caf\u00e9");
  EXPECT_EQ(normalize("caf\u00e9", NormalForm::kNfd), "cafe\u0301");
  EXPECT_EQ(normalize("\ufb01\u00bd", NormalForm::kNfc), "\ufb01\u00bd");
  EXPECT_EQ(normalize("\ufb01\u00bd", NormalForm::kNfkc), "fi1\u20442");
  EXPECT_EQ(normalize("\u1e9b\u0323", NormalForm::kNfc), "\u1e9b\u0323");
  EXPECT_EQ(normalize("\u1e9b\u0323", NormalForm::kNfkd), "s\u0323\u0307");
  EXPECT_EQ(normalize("\u1112\u1161\u11ab", NormalForm::kNfc), "\ud55c");
  // No letter, in spite of where it stands: it may not vanish.
  EXPECT_EQ(normalize("\uac00\u11a7b", NormalForm::kNfc), "\uac00\u11a7b");
  EXPECT_EQ(normalize("\uac00\u11a7\u11a8", NormalForm::kNfc), "\uac00\u11a7\u11a8");
}

TEST(Unicode, MarksAfterVersion9StayWhereTheyAre) {
  // What tokenizers 0.23 gives: U+07FD (version 11) is no mark there, U+0301 is.
  EXPECT_EQ(normalize("a\u07fd\u0301", NormalForm::kNfc), "a\u07fd\u0301");
  EXPECT_EQ(normalize("a\u07fd\u05ad", NormalForm::kNfc), "a\u07fd\u05ad");
  EXPECT_EQ(normalize("a\u05ad\u07fd", NormalForm::kNfc), "a\u05ad\u07fd");
  EXPECT_EQ(normalize("a\u05ad\u0301", NormalForm::kNfc), "\u00e1\u05ad");
}

TEST(Unicode, LongRunsOfMarksAreOrderedQuickly) {
  std::string marks = "a";
  std::string ordered = "\u1ea1";  // a with the first dot below
  for (int i = 0; i < 200000; ++i) marks += "\u0301\u0323";
  for (int i = 1; i < 200000; ++i) ordered += "\u0323";
  for (int i = 0; i < 200000; ++i) ordered += "\u0301";
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(normalize(marks, NormalForm::kNfc), ordered);
  EXPECT_LT(std::chrono::steady_clock::now() - start,
            std::chrono::seconds(10));  // quadratic: hours
}

TEST(Unicode, LowerCase) {
  EXPECT_EQ(lowercase("ÀΑΣ ẞ İI"), "àασ ß i\u0307i");
}

TEST(Unicode, Classes) {
  for (const char32_t c : {0x09, 0x0d, 0x20, 0x85, 0xa0, 0x1680, 0x2003, 0x2028, 0x3000})
    EXPECT_TRUE(is_white_space(c));
  for (const char32_t c : {0x180e, 0x200b, 0xfeff, 0x61}) EXPECT_FALSE(is_white_space(c));
  for (const char32_t c : {U'a', U'_', U'9', U'é', U'中', U'\u0301', U'\u200d'})
    EXPECT_TRUE(is_word_character(c));
  for (const char32_t c : {U' ', U'-', U'!', U'½', U'\U0001f600'})
    EXPECT_FALSE(is_word_character(c));
}

}  // namespace
}  // namespace hone
