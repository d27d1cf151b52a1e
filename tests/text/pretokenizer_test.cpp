#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <hone/base/error.h>
#include <hone/text/known_splits.h>
#include <hone/text/pretokenizer.h>

namespace hone {
namespace {

std::vector<std::string> split(const PreTokenizer& pre_tokenizer, std::string_view text) {
  const auto pieces = pre_tokenizer.split(text, {});
  return {pieces.views.begin(), pieces.views.end()};
}

TEST(PreTokenizer, PiecesAreTheText) {
  for (const auto& make : {byte_level_split, digits_byte_level_split, qwen2_split, llama3_split}) {
    const PreTokenizer pre_tokenizer(make(), "here");
    EXPECT_TRUE(pre_tokenizer.maps_bytes());
    for (const std::string text :
         {"It's 2024,\n\n  isn't\tit? \u00a0é中\U0001f600 ", "", " ", "\r\n"}) {
      std::string joined;
      for (const auto& piece : split(pre_tokenizer, text)) joined += piece;
      EXPECT_EQ(joined, text);
    }
  }
  EXPECT_EQ(split(PreTokenizer(digits_byte_level_split(), "here"), "the 42nd  x"),
            (std::vector<std::string>{"the", " ", "4", "2", "nd", " ", " x"}));
}

TEST(PreTokenizer, LinesOfTenMegabytes) {
  constexpr std::size_t kBytes = 10'000'000;
  for (const auto& make : {byte_level_split, qwen2_split, llama3_split}) {
    const PreTokenizer pre_tokenizer(make(), "here");
    for (const char c : {'x', ' ', '!', '\n'}) {
      EXPECT_EQ(split(pre_tokenizer, std::string(kBytes, c)).size(), 1u) << c;
      // GPT-2's pattern leaves the last of several line ends to what follows.
      const std::size_t pieces = c == 'x' ? 1 : c == '\n' && make == byte_level_split ? 3 : 2;
      EXPECT_EQ(split(pre_tokenizer, std::string(kBytes, c) + "y").size(), pieces) << c;
    }
  }
}

TEST(Regex, OutgrowsTheStackOfCompiledPatterns) {
  const Regex regex("(?:(a)|(b))+c|x", "here");
  RegexMatcher matcher(regex);
  const std::string text = std::string(300'000, 'a') + "bc";
  const auto match = matcher.find(text, 0);
  ASSERT_TRUE(match);
  EXPECT_EQ(match->end, text.size());
}

TEST(Regex, GivesUpByErrorNotByWrongAnswer) {
  const Regex regex("(?:(?:a|aa)+)+$", "here");
  RegexMatcher matcher(regex);
  EXPECT_THROW(matcher.find(std::string(60, 'a') + "b", 0), Error);
}

TEST(Regex, WhiteSpaceIsUnicodes) {
  const Regex regex("\\s", "here");
  const Regex in_class("[\\s]", "here");
  const Regex not_in_class("[^\\S]", "here");
  for (const auto* each : {&regex, &in_class, &not_in_class}) {
    RegexMatcher matcher(*each);
    EXPECT_FALSE(matcher.find("\u180e\u200b\ufeff", 0));
    for (const char* space : {"\t", "\v", "\u0085", "\u00a0", "\u2028", "\u3000"})
      EXPECT_TRUE(matcher.find(space, 0));
  }
}

TEST(Regex, KnowsTheLettersOfUnicode16) {
  const std::string letter = "\U00031350", number = "\U0001e5f1", neither = "\U0001f600";
  for (const char* pattern : {"\\p{L}", "[\\p{L}]", "[x\\p{L}]", "\\w"}) {
    const Regex regex(pattern, "here");
    RegexMatcher matcher(regex);
    EXPECT_TRUE(matcher.find(letter, 0)) << pattern;
    EXPECT_FALSE(matcher.find(neither, 0)) << pattern;
  }
  const Regex numbers("^\\p{N}+$", "here"), others("[^\\p{L}\\p{N}]", "here");
  RegexMatcher number_matcher(numbers), other_matcher(others);
  EXPECT_TRUE(number_matcher.find(number + "7", 0));
  EXPECT_FALSE(other_matcher.find(letter + number + "a1", 0));
}

TEST(Regex, RefusesWhatItCannotExpress) {
  for (const char* bad : {"[a[bc]]", "[a&&b]", "(", "[a", "[^\\W]", "\\p{Nonsense}", "a\\"}) {
    EXPECT_THROW(Regex(bad, "here"), Error) << bad;
  }
}

TEST(Regex, EscapedTextMatchesItself) {
  const std::string text = "a.b*[c]\\ ^$-\u2581|(x)";
  const Regex regex(escape_pattern(text), "here");
  RegexMatcher matcher(regex);
  const auto match = matcher.find("zz" + text, 0);
  ASSERT_TRUE(match);
  EXPECT_EQ(match->begin, 2u);
  EXPECT_FALSE(matcher.find("axb", 0));
}

}  // namespace
}  // namespace hone
