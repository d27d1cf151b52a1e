#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <hone/base/error.h>
#include <hone/base/files.h>
#include <hone/evaluation/answers.h>

#include "base/error_of.h"
#include "base/temporary_folder.h"
#include "shared_data.h"

namespace hone {
namespace {

using testing::error_of;
using testing::fixture_path;
using testing::TemporaryFolder;

TEST(Answers, MatchButForWhiteSpaceAround) {
  EXPECT_TRUE(is_exact_match(" {\"a\": 1}\n", "{\"a\": 1}"));
  EXPECT_FALSE(is_exact_match("{\"a\":1}", "{\"a\": 1}")) << "inside, white space counts";
  EXPECT_FALSE(is_exact_match("yes", "Yes"));
  EXPECT_TRUE(is_exact_match(" \t", ""));
}

TEST(Answers, AreJsonAsAWhole) {
  for (const char* text : {"{}", " [1, 2.5e3]\n", "\"a\"", "null", "-0"})
    EXPECT_TRUE(is_valid_json(text)) << text;
  for (const char* text : {"", "{", "{} {}", "{'a': 1}", "{\"a\": 1} done", "01", "NaN", "[1,]"})
    EXPECT_FALSE(is_valid_json(text)) << text;
}

TEST(Answers, AreCounted) {
  const std::vector<AnswerExample> examples = {
      {.reference = "{}"}, {.reference = "{}"}, {.reference = "[1]"}, {.reference = "x"}};
  std::vector<Generation> answers(4);
  answers[0].text = "{}";
  answers[1].text = "[]";
  answers[2].text = "one";
  answers[3].text = "x";
  const auto scores = score_answers(examples, answers);
  EXPECT_EQ(scores.count, 4);
  EXPECT_EQ(scores.exact_matches, 2);
  EXPECT_EQ(scores.valid_json, 2);
  EXPECT_EQ(scores.exact_match_rate(), 0.5);
  EXPECT_EQ(AnswerScores().exact_match_rate(), 0) << "of nothing";
  answers.pop_back();
  EXPECT_THROW(score_answers(examples, answers), std::invalid_argument);
}

TEST(Answers, ExamplesEndBeforeTheLastAnswer) {
  const TemporaryFolder folder;
  const auto tokenizer = load_tokenizer(fixture_path("text/byte_level.json"));
  const ChatTemplate chat("{% for m in messages %}[{{ m.content }}]{% endfor %}", tokenizer);
  const auto rows = folder.file(
      "rows.jsonl",
      R"({"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"},)"
      R"({"role":"user","content":"lamp"},{"role":"assistant","content":"on"}]})"
      "\n");
  const auto examples = read_answer_examples(rows, chat, tokenizer);
  ASSERT_EQ(examples.size(), 1u);
  EXPECT_EQ(examples[0].request, "lamp");
  EXPECT_EQ(examples[0].reference, "on");
  EXPECT_EQ(tokenizer.decode(examples[0].prompt_ids), "[a][b][lamp]");
  const auto bad = folder.file("bad.jsonl", R"({"messages":[{"role":"user","content":"a"}]})");
  EXPECT_NE(error_of([&] { read_answer_examples(bad, chat, tokenizer); }).find("bad.jsonl:1: "),
            std::string::npos);
}

}  // namespace
}  // namespace hone
