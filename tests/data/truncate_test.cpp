#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <hone/base/error.h>
#include <hone/data/truncate.h>

#include "base/error_of.h"

namespace hone {
namespace {

using testing::error_of;

/// A row whose ids count up from 0: `turns` are lengths of prompts and answers in turn.
TokenizedRow row_of_turns(const std::vector<int>& turns) {
  TokenizedRow row;
  for (std::size_t i = 0; i < turns.size(); ++i) {
    for (int n = 0; n < turns[i]; ++n) {
      const auto id = static_cast<std::int32_t>(row.input_ids.size());
      row.input_ids.push_back(id);
      row.labels.push_back(i % 2 == 1 ? id : kIgnoredLabel);
    }
  }
  return row;
}

using Ids = std::vector<std::int32_t>;

TokenizedRow truncated(TokenizedRow row, std::size_t limit, Overflow policy) {
  truncate(row, limit, policy);
  EXPECT_EQ(row.input_ids.size(), row.labels.size());
  return row;
}

TEST(Truncate, KeepsStartOrEnd) {
  const auto row = row_of_turns({3, 3});
  EXPECT_EQ(truncated(row, 4, Overflow::kKeepStart).input_ids, (Ids{0, 1, 2, 3}));
  const auto end = truncated(row, 2, Overflow::kKeepEnd);
  EXPECT_EQ(end.input_ids, (Ids{4, 5}));
  EXPECT_EQ(end.labels, (Ids{kIgnoredLabel, 5})) << "nothing comes before the first token";
}

// Lengths worked out by hand from the rule of LLaMA-Factory's infer_seqlen.
TEST(Truncate, ProportionalFollowsTheRule) {
  EXPECT_EQ(truncated(row_of_turns({10, 3}), 8, Overflow::kProportional).input_ids,
            (Ids{0, 1, 2, 3, 4, 10, 11, 12}))
      << "a short answer: the prompt gives way";
  EXPECT_EQ(truncated(row_of_turns({3, 10}), 8, Overflow::kProportional).input_ids,
            (Ids{0, 1, 2, 3, 4, 5, 6, 7}))
      << "a short prompt: the answer gives way";
  EXPECT_EQ(truncated(row_of_turns({10, 10}), 9, Overflow::kProportional).input_ids,
            (Ids{0, 1, 2, 3, 4, 10, 11, 12, 13}))
      << "both are long: 4 = floor(9 * 10 / 20) of the answer, 5 of the prompt";
  const auto turns = truncated(row_of_turns({4, 4, 4, 4}), 10, Overflow::kProportional);
  EXPECT_EQ(turns.input_ids, (Ids{0, 1, 2, 3, 4, 5, 6, 7, 8, 12}));
  EXPECT_EQ(turns.labels, (Ids{-100, -100, -100, -100, 4, 5, 6, 7, -100, 12}));
  EXPECT_EQ(truncated(row_of_turns({2, 2, 1}), 5, Overflow::kProportional),
            row_of_turns({2, 2, 1}));
}

TEST(Truncate, NeverKeepsMoreThanTheLimit) {
  for (int prompt = 0; prompt < 12; ++prompt) {
    for (int answer = 0; answer < 12; ++answer) {
      const auto row = row_of_turns({prompt, answer, prompt, answer});
      for (std::size_t limit = 1; limit < row.input_ids.size(); ++limit) {
        const auto cut = truncated(row, limit, Overflow::kProportional);
        EXPECT_LE(cut.input_ids.size(), limit);
        EXPECT_GE(cut.input_ids.size() + 1, limit) << prompt << " " << answer << " " << limit;
      }
    }
  }
}

TEST(Truncate, PoliciesHaveNames) {
  EXPECT_EQ(overflow("keep_end"), Overflow::kKeepEnd);
  EXPECT_EQ(overflow("keep-start"), Overflow::kKeepStart);
  EXPECT_EQ(error_of([] { overflow("cut"); }),
            "overflow \"cut\" is not one of drop, keep_start, keep_end, proportional, error");
}

}  // namespace
}  // namespace hone
