// CSV against the rules of RFC 4180, and tables as labelled records.
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <hone/data/csv.h>
#include <hone/data/labelled.h>

#include "base/error_of.h"
#include "base/temporary_folder.h"
#include "shared_data.h"

namespace hone::testing {
namespace {

using Rows = std::vector<std::vector<std::string>>;

Rows rows_of(const std::string& text, const CsvOptions& options = {}) {
  Rows rows;
  for_each_csv_row(text, "t.csv", options,
                   [&](auto& fields, const std::string&) { rows.push_back(fields); });
  return rows;
}

TEST(Csv, FollowsTheRulesOfRfc4180) {
  EXPECT_EQ(rows_of("aaa,bbb,ccc\r\nzzz,yyy,xxx\r\n"),
            (Rows{{"aaa", "bbb", "ccc"}, {"zzz", "yyy", "xxx"}}));                   // rule 1
  EXPECT_EQ(rows_of("aaa,bbb\r\nzzz,yyy"), (Rows{{"aaa", "bbb"}, {"zzz", "yyy"}}));  // rule 2
  EXPECT_EQ(rows_of("a, b ,"), (Rows{{"a", " b ", ""}}));                            // rule 4
  EXPECT_EQ(rows_of("\"aaa\",\"b \r\nbb\",\"c,c\"\n1,2,3"),
            (Rows{{"aaa", "b \r\nbb", "c,c"}, {"1", "2", "3"}}));  // rules 5 and 6
  EXPECT_EQ(rows_of("\"a\"\"b\",\"\"\n"), (Rows{{"a\"b", ""}}));   // rule 7
}

TEST(Csv, TakesMarksBlankLinesTabsAndBareQuotes) {
  EXPECT_EQ(rows_of("\xef\xbb\xbf"
                    "a,b\n\n\r\n1,2\n"),
            (Rows{{"a", "b"}, {"1", "2"}}));
  EXPECT_EQ(rows_of("5\" nail,x"), (Rows{{"5\" nail", "x"}}));
  EXPECT_EQ(rows_of("\"say \"\"hi\"\"\"\ta,b", {.separator = '\t'}), (Rows{{"say \"hi\"", "a,b"}}));
  EXPECT_EQ(rows_of("\"a\tb", {.separator = '\t', .quotes = false}), (Rows{{"\"a", "b"}}));
  EXPECT_EQ(rows_of("a\rb"), (Rows{{"a\rb"}}));
  EXPECT_EQ(rows_of(""), Rows{});
}

TEST(Csv, NamesTheLineOfWhatIsWrong) {
  const TemporaryFolder folder;
  const auto message = [&](const std::string& text, const CsvOptions& options = {}) {
    return error_of([&] {
      for_each_csv_record(folder.file("t.csv", text), options,
                          [](const Json&, const std::string&) {});
    });
  };
  EXPECT_TRUE(contains(message("a\n\"x\n\ny"), "t.csv:2: a quoted field is not closed"));
  EXPECT_TRUE(contains(message("a\n\"x\n\"y\n"), "t.csv:3: a quoted field ends at its quote"));
  EXPECT_TRUE(contains(message("a,b\n1,2\n1\n"), "t.csv:3: expected 2 fields, got 1"));
  EXPECT_TRUE(contains(message("a,b\n\"1\n\",2\n1,2,3\n"), "t.csv:4: expected 2 fields, got 3"));
  EXPECT_TRUE(contains(message("a,a\n"), "t.csv:1: two columns are called \"a\""));
  EXPECT_TRUE(contains(message("a,\n"), "t.csv:1: column 2 has no name"));
  EXPECT_TRUE(contains(message("a\n\xff\n"), "t.csv:2: column 1 is not UTF-8"));
}

std::vector<Json> records_of(const LabelledFile& file) {
  std::vector<Json> records;
  for_each_labelled(file,
                    [&](Json record, const std::string&) { records.push_back(std::move(record)); });
  return records;
}

TEST(Labelled, ReadsEachFormatByItsEnding) {
  const TemporaryFolder folder;
  const auto expected = Json::parse(R"({"text":"a b","label":"1"})");
  for (const auto& [name, text] :
       std::map<std::string, std::string>{{"t.csv", "text,label\na b,1\n"},
                                          {"t.tsv", "text\tlabel\na b\t1\n"},
                                          {"t.jsonl", "{\"text\":\"a b\",\"label\":\"1\"}\n"},
                                          {"t.json", "[{\"text\":\"a b\",\"label\":\"1\"}]"}}) {
    EXPECT_EQ(records_of({.path = folder.file(name, text)}), std::vector<Json>{expected}) << name;
  }
  Json set = Json::object();
  set["label"] = "1";
  EXPECT_EQ(records_of({.path = folder.file("t.txt", "\n  a b \r\n"), .set = set}),
            std::vector<Json>{expected});
  EXPECT_EQ(records_of({.path = folder.file("n.tsv", "a b\t1\n"), .columns = {"text", "label"}}),
            std::vector<Json>{expected});
}

TEST(Labelled, RefusesInOneLine) {
  const TemporaryFolder folder;
  const auto message = [&](const std::string& name, const std::string& text,
                           LabelledFile file = {}) {
    file.path = folder.file(name, text);
    return error_of([&] { records_of(file); });
  };
  EXPECT_TRUE(contains(message("t.csv", ""), "t.csv: no records"));
  EXPECT_TRUE(contains(message("t.csv", "a,b\n"), "t.csv: no records"));
  EXPECT_TRUE(contains(message("t.txt", "\n \n"), "t.txt: no records"));
  EXPECT_TRUE(contains(message("t.dat", "a"), "its ending tells no format"));
  EXPECT_TRUE(contains(message("t.jsonl", "{}\n[1]\n"), "t.jsonl:2: a record must be an object"));
  EXPECT_TRUE(contains(message("t.json", "{}"), "expected an array of records"));
  EXPECT_TRUE(contains(message("t.txt", "\xff"), "t.txt:1: not UTF-8"));
  EXPECT_TRUE(contains(message("t.csv", "a\n1\n", {.path = {}, .format = "xls"}),
                       "format \"xls\" is not one of"));
  Json set = Json::object();
  set["text"] = "x";
  EXPECT_TRUE(contains(message("t.txt", "a", {.path = {}, .set = set}),
                       "t.txt:1: the record has a field \"text\" of its own"));
}

TEST(Labelled, ReadsTheTablesOfSharedData) {
  const auto folder = shared_path("data/nlp_tasks");
  if (!folder) GTEST_SKIP() << "needs ../shared";
  // Counts as its README states them.
  EXPECT_EQ(records_of({.path = *folder / "banking77_test.csv"}).size(), 3080u);
  EXPECT_EQ(records_of({.path = *folder / "snli_subset_train.tsv"}).size(), 1666u);
  EXPECT_EQ(records_of({.path = *folder / "rt_polarity_neg_first1000.txt"}).size(), 1000u);
  EXPECT_EQ(records_of({.path = *folder / "uci_yelp_labelled.txt",
                        .format = "tsv",
                        .columns = {"text", "label"},
                        .quotes = false})
                .size(),
            1000u);
}

}  // namespace
}  // namespace hone::testing
