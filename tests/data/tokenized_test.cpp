#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <hone/base/error.h>
#include <hone/base/json_io.h>
#include <hone/base/row_source.h>
#include <hone/data/tokenized.h>

#include "base/temporary_folder.h"

namespace hone {
namespace {

using testing::TemporaryFolder;

const std::vector<TokenizedRow> kRows = {{{5, 6, 7}, {-100, 6, 7}}, {{9, 0}, {-100, 0}}};

/// A file with the header's counts and the row lines as given.
std::string make_text(
    int rows, int tokens, int trained, const std::string& lines, const std::string& start = "") {
  return concat(start.empty() ? R"({"format":"hone-tokens","version":1)" : start,
                R"(,"tokenizer":"aa","template":"bb","rows":)", rows, R"(,"tokens":)", tokens,
                R"(,"trained_tokens":)", trained, R"(,"max_length":0,"source":"s"})", "\n", lines);
}

/// What reading `text` is refused with, without the folder; `accepted` where it is read.
std::string reading_error(const std::string& text, const TokenizedCheck& check = {}) {
  const TemporaryFolder folder;
  const auto path = folder.file("t.jsonl", text);
  try {
    read_tokenized(path, check);
  } catch (const Error& error) {
    const std::string message = error.what();
    EXPECT_EQ(message.find('\n'), std::string::npos);
    return message.substr(folder.path().string().size() + 1);
  }
  return "accepted";
}

std::string row_refusal(const std::string& line, const TokenizedCheck& check = {}) {
  return reading_error(make_text(1, 1, 1, line + "\n"), check);
}

TEST(Tokenized, ReadsWhatItWrote) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "t.jsonl";
  write_tokenized(path,
                  {.tokenizer = "aa", .chat_template = "bb", .max_length = 8, .source = "a \"b\""},
                  kRows);
  const auto data = read_tokenized(path, {.tokenizer = "aa", .vocab_size = 10, .max_length = 3});
  EXPECT_EQ(data.rows, kRows);
  EXPECT_EQ(data.header, (TokenizedHeader{RecordKind::kSft, "aa", "bb", 2, 5, 3, 8, "a \"b\""}));
  EXPECT_EQ(read_tokenized_header(path), data.header);
}

TEST(Tokenized, IsJsonLinesThatAnyoneReads) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "t.jsonl";
  write_tokenized(path, {.tokenizer = "aa", .source = "s"}, kRows);
  std::vector<Json> lines;
  for_each_line(path, [&](std::string_view line, const std::string& place) {
    lines.push_back(parse_json(line, place));
  });
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(
      to_json_line(lines[0]),
      R"({"format":"hone-tokens","version":1,"kind":"sft","tokenizer":"aa","template":"","rows":2,"tokens":5,)"
      R"("trained_tokens":3,"max_length":0,"source":"s"})");
  EXPECT_EQ(to_json_line(lines[1]), R"({"input_ids":[5,6,7],"labels":[-100,6,7]})");
}

TEST(Tokenized, NothingAppearsBeforeCommit) {
  const TemporaryFolder folder;
  const auto path = folder.file("t.jsonl", "old");
  {
    TokenizedWriter writer(path, {});
    writer.write(kRows[0]);
    EXPECT_THROW(writer.write(TokenizedRow{{1, 2}, {-100}}), std::logic_error);
  }
  EXPECT_EQ(read_file(path), "old");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

TEST(Tokenized, RefusesAnotherTokenizer) {
  EXPECT_EQ(
      reading_error(make_text(1, 2, 1, R"({"input_ids":[1,2],"labels":[-100,2]})"),
                    {.tokenizer = "cc"}),
      "t.jsonl: made with tokenizer aa, the model's is cc; convert the data again with this model");
}

TEST(Tokenized, RefusesWhatIsNoTokenizedFile) {
  const auto start = [](const std::string& text) { return reading_error(text).substr(0, 31); };
  EXPECT_EQ(reading_error(""), "t.jsonl: is empty, expected tokenized data");
  EXPECT_EQ(start("GGUF\x03"), "t.jsonl:1: not tokenized data (");
  EXPECT_EQ(start(R"({"messages":[]})"), "t.jsonl:1: not tokenized data (");
  EXPECT_EQ(start(R"({"format":"other"})"), "t.jsonl:1: not tokenized data (");
  EXPECT_EQ(reading_error(R"({"format":"hone-tokens","version":2})"),
            "t.jsonl:1: version 2 of hone-tokens, this program reads version 1");
  EXPECT_EQ(reading_error(R"({"format":"hone-tokens"})"),
            "t.jsonl:1: version missing of hone-tokens, this program reads version 1");
  EXPECT_EQ(reading_error(R"({"format":"hone-tokens","version":1})"),
            "t.jsonl:1: header: \"tokenizer\" must be a string");
  EXPECT_EQ(reading_error(make_text(-1, 0, 0, "")), "t.jsonl:1: header: \"rows\" must be a count");
}

TEST(Tokenized, RefusesABadRowByItsLine) {
  EXPECT_EQ(row_refusal(R"({"input_ids":[1,2],"labels":[-100]})"),
            "t.jsonl:2: 2 ids, but 1 labels");
  EXPECT_EQ(row_refusal(R"({"input_ids":[],"labels":[]})"), "t.jsonl:2: \"input_ids\" is empty");
  EXPECT_EQ(row_refusal(R"({"input_ids":[1,2],"labels":[-100,3]})"),
            "t.jsonl:2: label 3 at index 1 is neither -100 nor the id 2");
  EXPECT_EQ(row_refusal(R"({"input_ids":[1,2],"labels":[1,2]})"),
            "t.jsonl:2: the label of the first token must be -100");
  EXPECT_EQ(row_refusal(R"({"input_ids":[1,-2],"labels":[-100,-100]})"),
            "t.jsonl:2: id -2 at index 1 is negative");
  EXPECT_EQ(row_refusal(R"({"input_ids":[1,99],"labels":[-100,99]})", {.vocab_size = 99}),
            "t.jsonl:2: id 99 at index 1 is outside the vocabulary of 99");
  EXPECT_EQ(row_refusal(R"({"input_ids":[1,2,3],"labels":[-100,2,3]})", {.max_length = 2}),
            "t.jsonl:2: 3 tokens, the model's context is 2");
  EXPECT_EQ(row_refusal(R"({"input_ids":[4294967297],"labels":[-100]})"),
            "t.jsonl:2: id 4294967297 is out of range");
  EXPECT_EQ(row_refusal(R"({"input_ids":[1]})"),
            "t.jsonl:2: a row needs \"input_ids\" and \"labels\"");
  EXPECT_EQ(row_refusal(R"({"input_ids":[1],"input_ids":[1],"labels":[-100]})"),
            "t.jsonl:2: unexpected key \"input_ids\"");
  EXPECT_EQ(row_refusal(R"({"input_ids":[1],"labels":[-100],"x":1})"),
            "t.jsonl:2: unexpected key \"x\"");
  for (const char* line :
       {"[1]", "1", "{", "{}", R"({"input_ids":[1.5],"labels":[-100]})",
        R"({"input_ids":[99999999999999999999],"labels":[-100]})",
        R"({"input_ids":"a","labels":[]})", R"({"input_ids":[1 2],"labels":[-100]})",
        R"({"input_ids":[1],"labels":[-100]} {})", R"({"input_ids":[1],"labels":[-100])",
        R"({"input_ids":[1,],"labels":[-100]})"}) {
    EXPECT_EQ(row_refusal(line).substr(0, 11), "t.jsonl:2: ") << line;
  }
}

TEST(Tokenized, ABlankLineIsNoRow) {
  EXPECT_EQ(row_refusal(""), "t.jsonl: holds 0 rows, its header says 1: cut short or changed");
}

TEST(Tokenized, RefusesCountsThatDifferFromTheHeader) {
  const std::string line = R"({"input_ids":[1,2],"labels":[-100,2]})"
                           "\n";
  EXPECT_EQ(reading_error(make_text(1, 2, 1, line)), "accepted");
  EXPECT_EQ(reading_error(make_text(2, 2, 1, line)),
            "t.jsonl: holds 1 rows, its header says 2: cut short or changed");
  EXPECT_EQ(reading_error(make_text(1, 3, 1, line)),
            "t.jsonl: holds 2 tokens, its header says 3: cut short or changed");
  EXPECT_EQ(reading_error(make_text(1, 2, 2, line)),
            "t.jsonl: holds 1 trained tokens, its header says 2: cut short or changed");
  EXPECT_EQ(reading_error(make_text(0, 0, 0, "")), "t.jsonl: no examples");
  EXPECT_EQ(reading_error(make_text(1, 1, 0, R"({"input_ids":[1],"labels":[-100]})")),
            "t.jsonl: no trainable tokens");
}

TEST(Tokenized, EveryCutIsRefused) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "t.jsonl";
  write_tokenized(path, {.tokenizer = "aa", .source = "s"}, kRows);
  const auto text = read_file(path);
  for (std::size_t size = 0; size + 1 < text.size(); ++size) {
    EXPECT_NE(reading_error(text.substr(0, size)), "accepted") << size;
  }
  EXPECT_EQ(reading_error(text.substr(0, text.size() - 1)),
            "accepted");  // all rows are there, the line end is not
}

TEST(Tokenized, EveryFlippedBitIsRefusedOrGivesAWellFormedFile) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "t.jsonl";
  write_tokenized(path, {.tokenizer = "aa", .source = "s"}, kRows);
  auto text = read_file(path);
  for (std::size_t at = 0; at < text.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      text[at] = static_cast<char>(text[at] ^ (1 << bit));
      try {
        const auto data = read_tokenized(folder.file("x.jsonl", text));
        EXPECT_EQ(data.rows.size(), kRows.size());
        EXPECT_EQ(data.header.tokens, 5);
      } catch (const Error&) {
      }
      text[at] = static_cast<char>(text[at] ^ (1 << bit));
    }
  }
}

}  // namespace
}  // namespace hone
