// Rates, quotas and draws against closed forms; lengths, tallies, n-grams and the spool.
#include <algorithm>
#include <map>
#include <numeric>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <hone/base/split_mix.h>
#include <hone/data/contamination.h>
#include <hone/data/length_statistics.h>
#include <hone/data/mixture.h>
#include <hone/data/row_spool.h>
#include <hone/data/tally.h>

#include "base/error_of.h"
#include "base/temporary_folder.h"

namespace hone::testing {
namespace {

using Counts = std::vector<std::uint64_t>;

TEST(MixtureRates, AreProportionalUpToTheCap) {
  // rate_i = min(n_i, cap) / sum: (100, 300, 300) / 700.
  const auto rates = proportional_rates({100, 300, 40000}, 300);
  EXPECT_DOUBLE_EQ(rates[0], 1.0 / 7);
  EXPECT_DOUBLE_EQ(rates[1], 3.0 / 7);
  EXPECT_DOUBLE_EQ(rates[2], 3.0 / 7);
  EXPECT_DOUBLE_EQ(proportional_rates({1, 3}, 0)[1], 0.75);
  EXPECT_EQ(proportional_rates({0, 0}, 5), (std::vector<double>{0, 0}));
}

TEST(MixtureRates, OfWeightsLeaveOutEmptySources) {
  EXPECT_EQ(weighted_rates({1, 2, 5}, {9, 9, 0}), (std::vector<double>{1.0 / 3, 2.0 / 3, 0}));
  EXPECT_TRUE(contains(error_of([] { weighted_rates({-1, 2}, {1, 1}); }), "got -1"));
  EXPECT_TRUE(contains(error_of([] { weighted_rates({0, 2}, {1, 0}); }), "above 0"));
}

TEST(MixtureQuotas, AddUpAndStayWithinOneRow) {
  SplitMix random(5);
  for (int trial = 0; trial < 500; ++trial) {
    std::vector<double> parts(1 + random.below(9));
    for (auto& part : parts) part = random.below(4) == 0 ? 0.0 : random.uniform();
    parts[0] = 1.0;
    const auto sum = std::accumulate(parts.begin(), parts.end(), 0.0);
    for (auto& part : parts) part /= sum;
    const auto total = random.below(10000);
    const auto quota = quotas(parts, total);
    EXPECT_EQ(std::accumulate(quota.begin(), quota.end(), std::uint64_t{0}), total);
    for (std::size_t i = 0; i < parts.size(); ++i) {
      EXPECT_LT(std::abs(static_cast<double>(quota[i]) - parts[i] * static_cast<double>(total)),
                1.0 + 1e-6);
      EXPECT_TRUE(parts[i] > 0.0 || quota[i] == 0u);
    }
  }
  // Proportional rates over all rows give each source its own rows, whatever rounding does.
  const Counts counts = {3, 1000003, 77, 1, 999};
  EXPECT_EQ(quotas(proportional_rates(counts, 0), 1001083), counts);
}

TEST(MixtureQuotas, LargestTotalRepeatsNoRow) {
  EXPECT_EQ(largest_total({0.5, 0.5}, {10, 100}), 20u);
  EXPECT_EQ(largest_total({0.25, 0.75, 0.0}, {10, 15, 0}), 20u);
  EXPECT_EQ(largest_total({0.0}, {4}), 0u);
}

TEST(MixturePicks, TakeEveryRowOnceBeforeAnyTwice) {
  const auto picks = pick_rows({25, 4, 0}, {10, 8, 0}, 3);
  ASSERT_EQ(picks.size(), 29u);
  std::map<std::pair<std::uint32_t, std::uint64_t>, std::vector<std::uint32_t>> rounds;
  for (const auto& pick : picks) rounds[{pick.source, pick.row}].push_back(pick.round);
  for (auto& [row, taken] : rounds) {
    std::sort(taken.begin(), taken.end());
    EXPECT_LT(row.second, row.first == 0 ? 10u : 8u);
    for (std::uint32_t i = 0; i < taken.size(); ++i) EXPECT_EQ(taken[i], i);
    EXPECT_GE(taken.size(), row.first == 0 ? 2u : 1u);
    EXPECT_LE(taken.size(), row.first == 0 ? 3u : 1u);
  }
  EXPECT_EQ(picks, pick_rows({25, 4, 0}, {10, 8, 0}, 3));
  EXPECT_NE(picks, pick_rows({25, 4, 0}, {10, 8, 0}, 4));
}

TEST(MixturePicks, EveryPlaceIsEquallyLikely) {
  // 3 of 4 rows, 6000 seeds: each row is first with a chance of 1/4; five standard deviations of a
  // count of 1500 are 168.
  std::vector<int> first(4);
  for (std::uint64_t seed = 0; seed < 6000; ++seed) ++first[pick_rows({3}, {4}, seed)[0].row];
  for (const auto count : first) EXPECT_NEAR(count, 1500, 168);
}

TEST(LengthStatistics, AreThoseOfASortedList) {
  SplitMix random(2);
  LengthStatistics lengths;
  EXPECT_EQ(lengths.percentile(0.5), 0);
  std::vector<std::int64_t> all;
  for (int i = 0; i < 1001; ++i) {
    all.push_back(static_cast<std::int64_t>(random.below(50)));
    lengths.add(all.back());
  }
  std::sort(all.begin(), all.end());
  EXPECT_EQ(lengths.percentile(0.0), all.front());
  EXPECT_EQ(lengths.percentile(0.5), all[500]);
  EXPECT_EQ(lengths.percentile(0.9), all[900]);  // ceil(900.9) = 901 lengths do not exceed it
  EXPECT_EQ(lengths.percentile(1.0), all.back());
  EXPECT_DOUBLE_EQ(lengths.mean(), std::accumulate(all.begin(), all.end(), 0.0) / 1001);
}

TEST(Tally, CountsByReasonAndKeepsTheFirstPlace) {
  Tally tally;
  tally.add("too long", "a:1");
  tally.add("empty", "a:2");
  tally.add("too long", "a:3");
  EXPECT_EQ(tally.total(), 3);
  EXPECT_EQ(
      tally.json().dump(),
      R"([{"what":"too long","count":2,"first":"a:1"},{"what":"empty","count":1,"first":"a:2"}])");
}

TEST(RowSpool, GivesBackWhatWasAppended) {
  const TemporaryFolder folder;
  RowSpool spool(folder.path());
  SplitMix random(4);
  std::vector<std::string> rows;
  for (int i = 0; i < 3000; ++i) {  // several times the buffer
    rows.emplace_back(random.below(3000), static_cast<char>('a' + i % 26));
    spool.append(rows.back());
    if (i % 100 == 0) {
      const auto at = random.below(rows.size());
      EXPECT_EQ(spool.at(at), rows[at]) << i;
    }
  }
  for (const std::size_t i : {std::size_t{0}, std::size_t{1}, std::size_t{2999}})
    EXPECT_EQ(spool.at(i), rows[i]);
  for (int i = 0; i < 500; ++i) {
    const auto at = random.below(rows.size());
    EXPECT_EQ(spool.at(at), rows[at]);
  }
  EXPECT_EQ(folder.size(), 0);  // nothing that could be left behind
  EXPECT_TRUE(contains(error_of([] { RowSpool("/nonexistent/folder"); }), "cannot create"));
}

std::string words(int from, int to) {
  std::string text;
  for (int i = from; i < to; ++i) text += "w" + std::to_string(i) + " ";
  return text;
}

TEST(Contamination, FindsThirteenWordsInARowAndNotTwelve) {
  Contamination evaluation;
  evaluation.add({"label", words(0, 30)}, "e:1");
  evaluation.add({words(100, 105), "yes"}, "e:2");
  EXPECT_EQ(evaluation.rows(), 2u);
  EXPECT_EQ(evaluation.short_rows(), 1u);
  const auto found = evaluation.find("Before: " + words(10, 23) + "after");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->evaluation, "e:1");
  EXPECT_EQ(found->words + " ", words(10, 23));
  EXPECT_FALSE(evaluation.find("before " + words(10, 22) + "after and some more words here too"));
  EXPECT_FALSE(evaluation.find(words(5, 12)));  // a short text inside a long one
  // What a row has beside a long text does not count; a short row's texts are found as wholes only.
  EXPECT_FALSE(evaluation.find("label"));
  EXPECT_TRUE(evaluation.find("Yes."));
  EXPECT_EQ(evaluation.find("W100, w101. w102 w103 w104!")->evaluation, "e:2");
  EXPECT_FALSE(evaluation.find(words(100, 106)));
  EXPECT_FALSE(evaluation.find(""));
  // Thirteen words are just enough, on either side.
  evaluation.add({words(200, 213)}, "e:3");
  EXPECT_EQ(evaluation.short_rows(), 1u);
  EXPECT_TRUE(evaluation.find("before " + words(200, 213) + "after"));
  EXPECT_TRUE(evaluation.find(words(7, 20)));
}

TEST(Contamination, AgreesWithBruteForce) {
  SplitMix random(8);
  const auto make = [&] {
    std::vector<std::string> text;
    for (int i = 0; i < 25; ++i) text.push_back(random.below(12) == 0 ? "b" : "a");
    return text;
  };
  const auto join = [](const std::vector<std::string>& text) {
    std::string joined;
    for (const auto& word : text) joined += word + " ";
    return joined;
  };
  Contamination evaluation(8);
  std::vector<std::string> grams;
  for (int i = 0; i < 5; ++i) {
    const auto text = make();
    evaluation.add({join(text)}, "e");
    for (std::size_t at = 0; at + 8 <= text.size(); ++at)
      grams.push_back(join({text.begin() + static_cast<std::ptrdiff_t>(at),
                            text.begin() + static_cast<std::ptrdiff_t>(at + 8)}));
  }
  int hits = 0;
  for (int i = 0; i < 200; ++i) {
    std::vector<std::string> text = make();
    for (std::size_t at = 6; at < text.size(); at += 7) text[at] = "c" + text[at];
    const auto joined = join(text);
    const bool expected = std::any_of(grams.begin(), grams.end(), [&](const auto& gram) {
      return (" " + joined).find(" " + gram) != std::string::npos;
    });
    EXPECT_EQ(evaluation.find(joined).has_value(), expected) << joined;
    const auto plain = join(make());
    const bool plain_expected = std::any_of(grams.begin(), grams.end(), [&](const auto& gram) {
      return (" " + plain).find(" " + gram) != std::string::npos;
    });
    EXPECT_EQ(evaluation.find(plain).has_value(), plain_expected) << plain;
    hits += plain_expected ? 1 : 0;
  }
  EXPECT_GT(hits, 10);
}

TEST(Contamination, RefusesFilesInOneLine) {
  const TemporaryFolder folder;
  Contamination evaluation;
  const auto message = [&](const std::string& name, const std::string& text) {
    return error_of([&] { evaluation.add_file(folder.file(name, text)); });
  };
  EXPECT_TRUE(contains(message("e.jsonl", "{\n"), "e.jsonl:1: "));
  EXPECT_TRUE(contains(message("e.jsonl", ""), "e.jsonl: no records"));
  EXPECT_TRUE(contains(error_of([] { Contamination(0); }), "at least 1 word"));
  evaluation.add_file(folder.file("g.jsonl", R"({"messages":[{"content":"one two"}],"n":3})"));
  EXPECT_TRUE(evaluation.find("one two"));
}

}  // namespace
}  // namespace hone::testing
