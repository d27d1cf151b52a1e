// What RowFindings must find in rows made wrong on purpose, and that it finds nothing in good ones.
#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <hone/base/files.h>
#include <hone/base/json_io.h>
#include <hone/data/convert.h>
#include <hone/data/record.h>
#include <hone/data/row_findings.h>
#include <hone/data/row_view.h>

#include "shared_data.h"
#include "text/chat_pieces.h"
#include "text/tokenizer_support.h"

namespace hone {
namespace {

/// ChatML's tokens and template; BOS is `<|im_start|>`, as in SmolLM2.
const Tokenizer& chatting_tokenizer() {
  static const Tokenizer loaded = testing::chatml_tokenizer("<|im_start|>", kChatMl);
  return loaded;
}

TokenizedRow chat_row() {
  const auto& tokenizer = chatting_tokenizer();
  Converter converter(tokenizer, ChatTemplate(kChatMl, tokenizer), {});
  const auto row = parse_json(
      R"({"messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":"Ho."},)"
      R"({"role":"user","content":"And?"},{"role":"assistant","content":"So on."}]})",
      "row");
  return *converter.convert(parse_record(row, "row"));
}

std::vector<std::string> found_in(const std::vector<TokenizedRow>& rows,
                                  std::int64_t max_length = 0) {
  RowFindings findings(chatting_tokenizer(), max_length);
  for (const auto& row : rows) findings.look_at(row);
  std::vector<std::string> names;
  for (const auto& finding : findings.findings()) names.push_back(finding.what);
  return names;
}

using Names = std::vector<std::string>;

TEST(RowFindings, NothingInAGoodRow) {
  EXPECT_EQ(found_in({chat_row(), chat_row()}), Names{});
}

TEST(RowFindings, EachFaultIsNamed) {
  auto row = chat_row();
  row.input_ids.insert(row.input_ids.begin(), row.input_ids[0]);
  row.labels.insert(row.labels.begin(), kIgnoredLabel);
  EXPECT_EQ(found_in({row}), Names{"two BOS tokens at the start"});

  row = chat_row();
  for (auto& label : row.labels) {
    if (label == chatting_tokenizer().eos_id()) label = kIgnoredLabel;
  }
  EXPECT_EQ(found_in({row}), Names{"a trained turn has no end token"});

  row = chat_row();
  std::size_t first = 0;
  while (row.labels[first] == kIgnoredLabel) ++first;
  for (auto i = first; row.labels[i] != kIgnoredLabel; ++i) row.labels[i] = kIgnoredLabel;
  EXPECT_EQ(found_in({row}), Names{"a turn of the assistant is not trained"});

  std::fill(row.labels.begin(), row.labels.end(), kIgnoredLabel);
  EXPECT_EQ(found_in({row}),
            (Names{"nothing is trained", "a turn of the assistant is not trained"}));

  row = chat_row();
  EXPECT_EQ(found_in({row}, static_cast<std::int64_t>(row.input_ids.size())),
            Names{"as long as the limit: it may have been cut"});

  const auto end = static_cast<std::int32_t>(*chatting_tokenizer().eos_id());
  const auto a = static_cast<std::int32_t>(chatting_tokenizer().encode("a")[0]);
  const auto b = static_cast<std::int32_t>(chatting_tokenizer().encode("b")[0]);
  EXPECT_EQ(found_in({{{a, b, end}, {kIgnoredLabel, b, end}}}),
            Names{"training starts inside of a word"});
}

TEST(RowFindings, RowsAreCountedAndTheFirstIsNamed) {
  auto bad = chat_row();
  bad.input_ids.insert(bad.input_ids.begin(), bad.input_ids[0]);
  bad.labels.insert(bad.labels.begin(), kIgnoredLabel);
  RowFindings findings(chatting_tokenizer(), 0);
  for (const auto& row : {chat_row(), bad, chat_row(), bad}) findings.look_at(row);
  ASSERT_EQ(findings.findings().size(), 1u);
  EXPECT_EQ(findings.findings()[0].rows, 2);
  EXPECT_EQ(findings.findings()[0].first_row, 2);
}

TEST(RowFindings, PromptsWithAnswers) {
  const auto end = static_cast<std::int32_t>(*chatting_tokenizer().eos_id());
  RowFindings findings(chatting_tokenizer(), 0);
  findings.look_at(PromptedRow{{1}, {{5, end}, {6, end}}}, RecordKind::kPreference);
  EXPECT_TRUE(findings.findings().empty());
  findings.look_at(PromptedRow{{1}, {{5}, {5}}}, RecordKind::kPreference);
  ASSERT_EQ(findings.findings().size(), 2u);
  EXPECT_EQ(findings.findings()[0].what, "an answer has no end token");
  EXPECT_EQ(findings.findings()[1].what, "chosen and rejected are the same");
}

TEST(RowView, TokensTogetherAreTheText) {
  const auto row = chat_row();
  const auto tokens = view_tokens(row, chatting_tokenizer());
  ASSERT_EQ(tokens.size(), row.input_ids.size());
  const std::vector<std::int64_t> ids(row.input_ids.begin(), row.input_ids.end());
  EXPECT_EQ(running_text(tokens, {}), chatting_tokenizer().decode(ids, false));
  EXPECT_NE(running_text(tokens, {"[", "]"}).find("assistant\n[Ho.<|im_end|>]"), std::string::npos);
}

TEST(RowView, PagesEscapeWhatHtmlTakesForItsOwn) {
  EXPECT_EQ(escaped_html("<b a=\"1\">&\x01\n"), "&lt;b a=&quot;1&quot;&gt;&amp;\u25a1\n");
  RowPage page("a<b", "s");
  page.add({{"odd <thing>", 2, 7}});
  page.add("row 1", {{5, "<script>", true}});
  EXPECT_EQ(page.html().find("<script>"), std::string::npos);
  EXPECT_NE(page.html().find("odd &lt;thing&gt;: 2 rows, first row 7"), std::string::npos);
}

}  // namespace
}  // namespace hone
