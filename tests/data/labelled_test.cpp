// Files of labelled records in each of their formats.
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <hone/base/csv.h>
#include <hone/data/labelled.h>

#include "base/error_of.h"
#include "base/temporary_folder.h"
#include "shared_data.h"

namespace hone::testing {
namespace {

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
  const LabelledFile bare{
      .path = folder.file("q.tsv", "\"a\tb\n"), .columns = {"x", "y"}, .quotes = false};
  EXPECT_EQ(records_of(bare), std::vector<Json>{Json::parse(R"({"x":"\"a","y":"b"})")});
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
  EXPECT_TRUE(contains(message("t.txt", "\xff"), "t.txt:1: is not UTF-8"));
  EXPECT_TRUE(contains(message("t.csv", "a\n1\n", {.path = {}, .format = "xls"}),
                       "format \"xls\" is not one of"));
  EXPECT_TRUE(contains(message("t.jsonl", "{}", {.path = {}, .columns = {"a"}}),
                       "columns are for csv and tsv files"));
  EXPECT_TRUE(contains(message("t.csv", "1,2\n1\n", {.path = {}, .columns = {"a", "b"}}),
                       "t.csv:2: has 1 field for the 2 columns a, b"));
  EXPECT_TRUE(contains(message("t.csv", "1\n", {.path = {}, .columns = {"a", "a"}}),
                       "t.csv: two columns are named \"a\""));
  EXPECT_TRUE(contains(message("t.csv.gz", "\x1f\x8b\x08"), "t.csv.gz"));
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
