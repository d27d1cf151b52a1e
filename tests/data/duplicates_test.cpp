// MinHash against its closed forms, and duplicates against brute force.
#include <cmath>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <hone/base/split_mix.h>
#include <hone/data/duplicates.h>
#include <hone/data/min_hash.h>
#include <hone/data/words.h>

#include "base/error_of.h"

namespace hone::testing {
namespace {

using Words = std::vector<std::string>;

TEST(Words, AreWithoutCaseMarksAndWidth) {
  EXPECT_EQ(normalized_words("It's  3.5 km,\tZOË_x!"),
            (Words{"it", "s", "3", "5", "km", "zoë", "x"}));
  EXPECT_EQ(normalized_words("ＡＢＣ ﬁne"), (Words{"abc", "fine"}));  // NFKC
  EXPECT_EQ(normalized_words(" ... "), Words{});
  EXPECT_EQ(count_words(" a-b  c\u00a0d \n"), 3u);
  EXPECT_EQ(count_words(""), 0u);
}

TEST(Words, ShinglesAreRunsOfWords) {
  const Words words = {"a", "b", "c", "a", "b", "c"};
  const auto hashes = hash_shingles(words, 3);
  ASSERT_EQ(hashes.size(), 4u);
  EXPECT_EQ(hashes[0], hashes[3]);
  EXPECT_NE(hashes[0], hashes[1]);
  EXPECT_EQ(hash_shingles({"a", "b"}, 3), hash_shingles({"a", "b"}, 2));
  EXPECT_NE(hash_shingles({"a", "b"}, 2), hash_shingles({"ab"}, 2));
  EXPECT_TRUE(hash_shingles({}, 3).empty());
}

/// Two sets of `size` hashes that share `shared` of them.
std::pair<std::vector<std::uint64_t>, std::vector<std::uint64_t>> make_sets(std::size_t size,
                                                                            std::size_t shared,
                                                                            SplitMix& random) {
  std::vector<std::uint64_t> a, b;
  for (std::size_t i = 0; i < size; ++i) {
    a.push_back(random());
    b.push_back(i < shared ? a.back() : random());
  }
  return {a, b};
}

TEST(MinHashSignature, EstimatesJaccardWithinItsStandardError) {
  SplitMix random(1);
  const std::size_t values = 128;
  const int trials = 200;
  for (const std::size_t shared : {0, 30, 60, 90, 100}) {
    const double exact = static_cast<double>(shared) / static_cast<double>(200 - shared);
    double sum = 0, squares = 0;
    for (int trial = 0; trial < trials; ++trial) {
      const auto [a, b] = make_sets(100, shared, random);
      EXPECT_DOUBLE_EQ(jaccard(a, b), exact);
      const MinHash min_hash(values, random());
      const auto error = similarity(min_hash(a), min_hash(b)) - exact;
      sum += error;
      squares += error * error;
    }
    const double standard = std::sqrt(exact * (1 - exact) / static_cast<double>(values));
    // The mean error of 200 trials within five of its standard errors; their spread within a
    // quarter of the closed form (its own standard error is 5 %).
    EXPECT_NEAR(sum / trials, 0.0, 5 * standard / std::sqrt(trials) + 1e-12) << exact;
    EXPECT_NEAR(std::sqrt(squares / trials), standard, 0.25 * standard + 1e-12) << exact;
  }
}

TEST(MinHashSignature, SetsHaveNoOrderAndNoRepetition) {
  EXPECT_EQ(jaccard({1, 2, 3}, {3, 3, 2, 1}), 1.0);
  EXPECT_EQ(jaccard({}, {}), 1.0);
  EXPECT_EQ(jaccard({1}, {}), 0.0);
  EXPECT_DOUBLE_EQ(jaccard({1, 2, 3, 4}, {3, 4, 5}), 0.4);
  const MinHash min_hash(16, 3);
  EXPECT_EQ(min_hash({5, 9, 2}), min_hash({2, 2, 9, 5}));
  EXPECT_NE(MinHash(16, 4)({5, 9, 2}), min_hash({5, 9, 2}));
}

TEST(MinHashSignature, BandsMeetAsTheFormulaSays) {
  EXPECT_EQ(choose_bands(128, 0.8), (Bands{.bands = 18, .rows = 7}));
  EXPECT_NEAR(meeting_probability({18, 7}, 0.8), 1 - std::pow(1 - std::pow(0.8, 7), 18), 1e-12);
  for (const double threshold : {0.1, 0.3, 0.5, 0.7, 0.9, 0.99}) {
    const auto bands = choose_bands(128, threshold);
    EXPECT_LE(bands.bands * bands.rows, 128u);
    EXPECT_GE(meeting_probability(bands, threshold), 0.95) << threshold;
    if (bands.rows < 128) {
      const Bands more{128 / (bands.rows + 1), bands.rows + 1};
      EXPECT_LT(meeting_probability(more, threshold), 0.95) << threshold;
    }
  }
}

/// Texts of which many are earlier ones with a few words exchanged.
std::vector<std::string> make_texts(std::size_t count, std::uint64_t seed) {
  SplitMix random(seed);
  std::vector<Words> all;
  for (std::size_t i = 0; i < count; ++i) {
    Words words;
    if (i > 0 && random.below(2) == 0) {
      words = all[random.below(i)];
      const auto changes = random.below(4);
      for (std::uint64_t j = 0; j < changes; ++j)
        words[random.below(words.size())] = "new" + std::to_string(random.below(1000));
    } else {
      for (int j = 0; j < 40; ++j) words.push_back("w" + std::to_string(random.below(500)));
    }
    all.push_back(words);
  }
  std::vector<std::string> texts;
  for (const auto& words : all) {
    std::string text;
    for (const auto& word : words) text += word + " ";
    texts.push_back(text);
  }
  return texts;
}

std::set<Words> shingles_as_text(const std::string& text) {
  const auto words = normalized_words(text);
  std::set<Words> shingles;
  for (std::size_t i = 0; i + 5 <= words.size(); ++i)
    shingles.insert(Words(words.begin() + static_cast<std::ptrdiff_t>(i),
                          words.begin() + static_cast<std::ptrdiff_t>(i + 5)));
  return shingles;
}

double brute_jaccard(const std::string& a, const std::string& b) {
  const auto x = shingles_as_text(a);
  const auto y = shingles_as_text(b);
  std::size_t both = 0;
  for (const auto& shingle : x) both += y.count(shingle);
  return static_cast<double>(both) / static_cast<double>(x.size() + y.size() - both);
}

TEST(NearDuplicates, AreThoseThatBruteForceFinds) {
  const auto texts = make_texts(400, 7);
  std::vector<std::string> kept;
  NearDuplicates near({.threshold = 0.6, .seed = 3}, [&](std::size_t i) { return kept[i]; });
  std::size_t missed = 0, found = 0;
  for (const auto& text : texts) {
    double closest = 0;
    for (const auto& other : kept) closest = std::max(closest, brute_jaccard(text, other));
    const auto match = near.find_or_add(text);
    if (match) {
      ++found;
      EXPECT_GE(brute_jaccard(text, kept.at(*match)), 0.6);  // nothing is called near that is not
    } else {
      missed += closest >= 0.6 ? 1 : 0;
      kept.push_back(text);
    }
  }
  EXPECT_GT(found, 80u);
  // A pair at the threshold is missed with a chance of at most 5 %; most pairs are closer.
  EXPECT_LE(missed, (found + missed) / 20);
}

TEST(NearDuplicates, DependOnTheSeedAloneAndGrowTheirTables) {
  const auto texts = make_texts(600, 11);
  const auto run = [&](std::uint64_t seed) {
    std::vector<std::string> kept;
    NearDuplicates near({.seed = seed}, [&](std::size_t i) { return kept[i]; });
    std::vector<std::size_t> results;
    for (const auto& text : texts) {
      const auto match = near.find_or_add(text);
      results.push_back(match ? *match : 10000);
      if (!match) kept.push_back(text);
    }
    return results;
  };
  EXPECT_EQ(run(1), run(1));
}

TEST(NearDuplicates, ShortTextsAreNearOnlyIfEqual) {
  std::vector<std::string> kept;
  NearDuplicates near({}, [&](std::size_t i) { return kept[i]; });
  for (const auto* text : {"yes", "no", "not at all", ""}) {
    EXPECT_FALSE(near.find_or_add(text)) << text;
    kept.push_back(text);
  }
  EXPECT_EQ(near.find_or_add("Not at all!"), 2u);
  EXPECT_FALSE(near.find_or_add("..."));
}

TEST(NearDuplicates, RefuseOptionsOutOfRange) {
  EXPECT_EQ(error_of([] { validate(NearOptions{.threshold = 0.0}); }),
            "the threshold of near duplicates must be above 0 and at most 1, got 0");
  EXPECT_FALSE(error_of([] { validate(NearOptions{.shingle = 0}); }).empty());
  EXPECT_FALSE(error_of([] { validate(NearOptions{.signature = 0}); }).empty());
}

TEST(ExactDuplicates, HaveTheSameWordsInTheSameOrder) {
  ExactDuplicates exact;
  EXPECT_FALSE(exact.find_or_add("A cat sat."));
  EXPECT_FALSE(exact.find_or_add("a sat cat"));
  EXPECT_EQ(exact.find_or_add("  a CAT, sat"), 0u);
  EXPECT_FALSE(exact.find_or_add("..."));
  EXPECT_FALSE(exact.find_or_add("..."));
  EXPECT_FALSE(exact.find_or_add("ab c"));
  EXPECT_FALSE(exact.find_or_add("a bc"));
  EXPECT_EQ(exact.find_or_add("a, bc"), 5u);
}

}  // namespace
}  // namespace hone::testing
