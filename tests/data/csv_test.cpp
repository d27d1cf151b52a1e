#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <zlib.h>
#include <zstd.h>

#include <hone/base/decompress.h>
#include <hone/base/error.h>
#include <hone/base/row_source.h>
#include <hone/data/record_file.h>

#include "base/error_of.h"
#include "base/temporary_folder.h"
#include "shared_data.h"

namespace hone {
namespace {

using testing::error_of;
using testing::shared_path;
using testing::TemporaryFolder;

using Rows = std::vector<std::pair<std::string, Json>>;

Rows rows_of(std::string_view text, char separator = ',') {
  Rows rows;
  const RowFormat format{separator == '\t' ? FileLayout::kTsv : FileLayout::kCsv, {}};
  for_each_row(RowSource(text, "t.csv", format),
               [&](Json row, const std::string& place) { rows.emplace_back(place, row); });
  return rows;
}

TEST(Csv, QuotesHoldSeparatorsLineEndsAndQuotes) {  // D16
  const auto rows = rows_of(
      "\xef\xbb\xbf"
      "prompt,completion\r\n\"Say \"\"a, b\"\"\",\"one\ntwo\"\r\n\nPlain, \n\"\",x");
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0].first, "t.csv:2");
  EXPECT_EQ(rows[0].second["prompt"], "Say \"a, b\"");
  EXPECT_EQ(rows[0].second["completion"], "one\ntwo");
  EXPECT_EQ(rows[1].first, "t.csv:5") << "line ends inside quotes and blank lines count";
  EXPECT_EQ(rows[1].second["completion"], " ");
  EXPECT_EQ(rows[2].second["prompt"], "");
  EXPECT_EQ(rows_of("a\tb\nx,y\t\"z\"\n", '\t')[0].second, Json({{"a", "x,y"}, {"b", "z"}}));
  EXPECT_TRUE(rows_of("").empty());
  EXPECT_TRUE(rows_of("a,b\n").empty());
}

TEST(Csv, BadRowsAreNamedByLine) {
  const auto message = [](std::string_view text) { return error_of([&] { rows_of(text); }); };
  EXPECT_EQ(message("a,b\n1,2\n3\n"), "t.csv:3: has 1 field for the 2 columns a, b");
  EXPECT_EQ(message("a,b\n1,2,3\n"), "t.csv:2: has 3 fields for the 2 columns a, b");
  EXPECT_EQ(message("a,b\n\"1,2\n"), "t.csv:2: a quote is not closed");
  EXPECT_NE(message("a,b\n\"1\"x,2\n").find("t.csv:2: text behind a closing quote"),
            std::string::npos);
  EXPECT_EQ(message("a,a\n"), "t.csv:1: two columns are named \"a\"");
  EXPECT_NE(message("a,\n").find("t.csv:1: a column has no name"), std::string::npos);
  EXPECT_EQ(message("a\ncaf\xe9\n"), "t.csv:2: is not UTF-8");
}

TEST(Csv, EveryTruncationIsReadOrRefused) {
  const std::string text = "a,b\r\n\"x \"\"y\"\"\",\"1\n2\"\r\nz,\n";
  for (std::size_t size = 0; size < text.size(); ++size) {
    const auto message = error_of([&] { rows_of(std::string_view(text).substr(0, size)); });
    EXPECT_TRUE(message.empty() || message.starts_with("t.csv:")) << message;
  }
}

std::string packed_by_zstd(const std::string& text) {
  std::string bytes(ZSTD_compressBound(text.size()), '\0');
  bytes.resize(ZSTD_compress(bytes.data(), bytes.size(), text.data(), text.size(), 3));
  return bytes;
}

TEST(Csv, TablesAreRecordsAlsoPacked) {
  const TemporaryFolder folder;
  const std::string text = "prompt,completion\nHi,Ho\nWhat?,\"a, b\"\n";
  folder.file("t.csv", text);
  folder.file("t.csv.zst", packed_by_zstd(text.substr(0, 18)) + packed_by_zstd(text.substr(18)));
  for (const char* name : {"t.csv", "t.csv.zst"}) {
    const auto records = read_records(folder / name);
    ASSERT_EQ(records.size(), 2u) << name;
    EXPECT_EQ(records[1].prompt, "What?");
    EXPECT_EQ(records[1].completion, "a, b");
  }
  folder.file("other.csv", "question,answer\na,b\n");
  EXPECT_NE(error_of([&] {
              read_records(folder / "other.csv");
            }).find("other.csv:2: expected messages, prompt with completion"),
            std::string::npos);
}

TEST(Records, ColumnsMayHaveOtherNames) {
  const TemporaryFolder folder;
  const auto table = folder.file("t.tsv", "completion\tprompt\tid\nWhat?\tThat\t7\n");
  const auto read = [&](const ColumnNames& columns) {
    std::vector<Record> records;
    for_each_record(table, {.columns = columns},
                    [&](Record record) { records.push_back(std::move(record)); });
    return records.at(0);
  };
  EXPECT_EQ(read({}).prompt, "That");
  const auto swapped = read({{"prompt", "completion"}, {"completion", "prompt"}});
  EXPECT_EQ(swapped.prompt, "What?");
  EXPECT_EQ(swapped.completion, "That");
  EXPECT_EQ(error_of([&] {
              read({{"prompt", "question"}});
            }),
            table.string() +
                ":2: has no \"question\" for the prompt; its keys are completion, prompt, id");
  EXPECT_EQ(column_name("prompt=q=1").second, "q=1");
  for (const char* bad : {"prompt", "=q", "prompt="}) EXPECT_THROW(column_name(bad), Error) << bad;
}

TEST(Decompressed, EveryTruncationOfZstdIsRefused) {
  std::string text;
  for (int i = 0; i < 40000; ++i) text += std::to_string(i * 7919 % 10007);
  const auto bytes = packed_by_zstd(text);
  EXPECT_EQ(decompressed(bytes, "x"), text);
  for (std::size_t size = 4; size < bytes.size(); size += 97)
    EXPECT_NE(error_of([&] { decompressed(bytes.substr(0, size), "x"); }).find("x: "),
              std::string::npos)
        << size;
}

TEST(Csv, SharedCases) {  // D08, D16
  const auto files = shared_path("cases/files");
  if (!files) GTEST_SKIP() << "the shared data is not here";
  const auto records = read_records(*files / "D16_quotes.csv");
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[0].prompt, "Write \"hi\", twice");
  EXPECT_EQ(records[0].completion, "hi\nhi");
  EXPECT_EQ(records[1].completion, "a, b");
  EXPECT_NE(error_of([&] {
              read_records(*files / "D16_missing_column.csv");
            }).find("its keys are prompt, answer"),
            std::string::npos);
  EXPECT_NE(error_of([&] { read_records(*files / "D16_short_row.csv"); }).find("_row.csv:3: "),
            std::string::npos);
}

}  // namespace
}  // namespace hone
