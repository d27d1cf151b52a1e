#include <set>

#include <ATen/ATen.h>

#include <gtest/gtest.h>

#include <hone/data/batch.h>

namespace hone {
namespace {

TEST(BatchCursor, VisitsEveryRowOnceAnEpochInChangingOrders) {
  BatchCursor cursor(10, 4, 7);
  std::set<std::vector<std::int64_t>> orders;
  for (int epoch = 0; epoch < 3; ++epoch) {
    std::vector<std::int64_t> order;
    std::vector<std::size_t> sizes;
    for (std::int64_t step = 0; step < cursor.steps_per_epoch(); ++step) {
      const auto rows = cursor.next();
      sizes.push_back(rows.size());
      order.insert(order.end(), rows.begin(), rows.end());
    }
    EXPECT_EQ(sizes, (std::vector<std::size_t>{4, 4, 2}));
    EXPECT_EQ(std::set<std::int64_t>(order.begin(), order.end()).size(), 10u);
    orders.insert(order);
  }
  EXPECT_EQ(orders.size(), 3u);
}

TEST(BatchCursor, GoesOnWhereItWasStopped) {
  BatchCursor whole(10, 3, 1);
  std::vector<std::vector<std::int64_t>> expected;
  for (int step = 0; step < 12; ++step) expected.push_back(whole.next());
  BatchCursor::State state{.seed = 1};
  for (int step = 0; step < 12; ++step) {
    BatchCursor fresh(10, 3, 1);
    fresh.restore(state);
    EXPECT_EQ(fresh.next(), expected[static_cast<std::size_t>(step)]);
    state = fresh.state();
  }
  BatchCursor cursor(10, 3, 1);
  EXPECT_THROW(cursor.restore({.seed = 1, .epoch = 0, .position = 10}), std::invalid_argument);
}

TEST(Collate, TakesTargetsFromLabelsNeverFromIds) {
  // pad = eos = 2 in other tools; here the label alone decides, so the end token 2 is a target.
  const TokenizedRow a{.input_ids = {1, 10, 11, 12, 2}, .labels = {-100, -100, 11, 12, 2}};
  const TokenizedRow b{.input_ids = {8, 9}, .labels = {8, 9}};
  const auto batch = collate(std::vector<const TokenizedRow*>{&a, &b});
  EXPECT_EQ(batch.sequences.lengths, (std::vector<std::int64_t>{5, 2}));
  EXPECT_TRUE(at::equal(batch.targets, at::tensor({11, 12, 2, 9}, at::kLong)));
  EXPECT_TRUE(at::equal(batch.positions, at::tensor({1, 2, 3, 5}, at::kLong)))
      << "b's first token has no target";
}

}  // namespace
}  // namespace hone
