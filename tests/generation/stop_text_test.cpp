#include <gtest/gtest.h>

#include <hone/generation/stop_text.h>

namespace hone {
namespace {

std::string through(StopText& stop, const std::vector<std::string>& pieces) {
  std::string shown;
  for (const auto& piece : pieces) shown += stop.push(piece);
  return shown + stop.finish();
}

TEST(StopText, FindsAStopStringCutByTokens) {
  StopText stop({"END"});
  EXPECT_EQ(through(stop, {"The ans", "wer is 4", "2. E", "ND", " now"}), "The answer is 42. ");
  EXPECT_TRUE(stop.stopped());
}

TEST(StopText, GivesBackWhatOnlyLookedLikeOne) {
  StopText stop({"END"});
  EXPECT_EQ(stop.push("E"), "");
  EXPECT_EQ(through(stop, {"NG"}), "ENG");
  EXPECT_FALSE(stop.stopped());
  StopText at_the_end({"END"});
  EXPECT_EQ(through(at_the_end, {"EN"}), "EN");
}

TEST(StopText, TakesTheEarliestOfSeveral) {
  StopText stop({"", "\n\n", "b"});
  EXPECT_EQ(through(stop, {"a\nbc\n\n"}), "a\n");
}

}  // namespace
}  // namespace hone
