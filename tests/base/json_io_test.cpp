#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <hone/base/error.h>
#include <hone/base/files.h>
#include <hone/base/json_io.h>
#include <hone/base/row_source.h>

#include "error_of.h"
#include "shared_data.h"
#include "temporary_folder.h"

namespace hone {
namespace {

namespace fs = std::filesystem;
using testing::contains;
using testing::error_of;
using testing::TemporaryFolder;

std::string parse_error(const std::string& text) {
  return error_of([&] { parse_json(text, "file:7"); });
}

TEST(ParseJson, KeepsKeyOrder) {
  EXPECT_EQ(parse_json(R"({"b":1,"a":[true,null,"x"],"c":{"z":1.5}})", "here").dump(),
            R"({"b":1,"a":[true,null,"x"],"c":{"z":1.5}})");
}

TEST(ParseJson, RefusesByPlace) {
  for (const char* bad : {R"({"a":1,"a":2})",
                          "{",
                          "1e400",
                          "-1e400",
                          "NaN",
                          "Infinity",
                          R"("\ud800")",
                          R"("\udc00")",
                          R"("\ud800\u0041")",
                          "[1,]",
                          "",
                          "1 2",
                          "'a'",
                          "01",
                          "+1",
                          ".5",
                          "\"a\tb\"",
                          "[1] x",
                          "nul",
                          "// c\n1"}) {
    EXPECT_TRUE(parse_error(bad).starts_with("file:7: ") ||
                parse_error(bad).starts_with("file:7:1: "))
        << bad;
  }
}

TEST(ParseJson, NumbersKeepTheirValue) {
  EXPECT_EQ(parse_json("18446744073709551615", "x").get<std::uint64_t>(), UINT64_MAX);
  EXPECT_EQ(parse_json("-9223372036854775808", "x").get<std::int64_t>(), INT64_MIN);
  // Beyond 64 bits the nearest double, never a wrapped integer.
  EXPECT_EQ(parse_json("12345678901234567890123", "x").get<double>(), 12345678901234567890123.0);
  EXPECT_TRUE(contains(parse_error("1e400"), "number out of range"));
  EXPECT_TRUE(contains(parse_error(std::string(400, '9')), "number out of range"));
}

TEST(ParseJson, NamesTheBadByte) {
  EXPECT_EQ(parse_error("\"caf\xe9\""), "file:7: byte 5 is not UTF-8: 0xe9");
  EXPECT_EQ(parse_error("\"\xed\xa0\x80\""), "file:7: byte 2 is not UTF-8: 0xed");
  EXPECT_EQ(parse_error("{\n \"a\": \"\xff\"}"), "file:7:2: byte 8 is not UTF-8: 0xff");
  EXPECT_EQ(parse_error(std::string("1\0 2", 4)), "file:7: byte 2 is zero, not JSON");
  EXPECT_TRUE(parse_error("{\"id\":2,}").starts_with("file:7: byte 9: not JSON: "))
      << parse_error("{\"id\":2,}");
}

TEST(ParseJson, MessagesAreShort) {
  const std::string word(1 << 20, 'x');
  EXPECT_LT(parse_error(concat("\"", word)).size(), 300u);
  EXPECT_LT(parse_error(concat("{\"", word, "\":1,\"", word, "\":2}")).size(), 300u);
}

TEST(ParseJson, BoundsNesting) {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_EQ(parse_json(nested(256), "x").dump(), nested(256));
  EXPECT_EQ(parse_error(nested(257)), "file:7: nested deeper than 256");
  EXPECT_EQ(parse_error(std::string(5'000'000, '[')), "file:7: nested deeper than 256");
}

TEST(ParseJson, PairsOfSurrogatesAreOneCharacter) {
  EXPECT_EQ(parse_json(R"("\ud83d\ude00")", "x").get<std::string>(), "\xf0\x9f\x98\x80");
}

TEST(WriteJson, RefusesTextThatIsNotUtf8) {
  const TemporaryFolder folder;
  EXPECT_TRUE(contains(error_of([] { to_json_line(Json("\xff")); }), "cannot write as JSON"));
  EXPECT_TRUE(contains(error_of([&] { write_json(folder / "a.json", Json("\xff")); }),
                       "cannot write as JSON"));
  EXPECT_EQ(folder.size(), 0);
}

TEST(ReadJson, SkipsTheByteOrderMarkAndNamesTheFile) {
  const TemporaryFolder folder;
  write_file(folder / "bom.json", "\xef\xbb\xbf{\"a\": 1}");
  EXPECT_EQ(read_json(folder / "bom.json").dump(), R"({"a":1})");
  write_file(folder / "empty.json", "");
  EXPECT_EQ(error_of([&] { read_json(folder / "empty.json"); }),
            (folder / "empty.json").string() + ": is empty, expected JSON");
}

// The cases of data files that are decided here: line ends, gzip, bytes.

struct Lines {
  std::vector<std::string> rows;
  std::vector<std::string> places;
};

Lines lines_of(const fs::path& path) {
  Lines lines;
  for_each_line(path, [&](std::string_view line, const std::string& place) {
    parse_json(line, place);
    lines.rows.emplace_back(line);
    lines.places.push_back(place.substr(place.rfind(':') + 1));
  });
  return lines;
}

fs::path corpus(const std::string& name) {
  return fs::path(HONE_SOURCE_DIR) / "tests" / "fuzz" / "corpus" / "jsonl" / name;
}

using Strings = std::vector<std::string>;

TEST(ForEachLine, SplitsAtLineFeedsAlone) {
  const Strings rows = {R"({"id":1})", R"({"id":2})", R"({"id":3})"};
  for (const char* name : {"ok_lines.jsonl", "ok_crlf.jsonl"}) {
    const auto lines = lines_of(corpus(name));
    EXPECT_EQ(lines.rows, rows) << name;
    EXPECT_EQ(lines.places, (Strings{"1", "2", "4"})) << name;
  }
  EXPECT_EQ(lines_of(corpus("ok_separators.jsonl")).rows,
            Strings{"{\"a\":\"x\xe2\x80\xa8y\xc2\x85z\"}"});
}

TEST(ForEachLine, ReadsEveryGzipMember) {
  EXPECT_EQ(lines_of(corpus("ok_members.jsonl.gz")).rows,
            (Strings{R"({"id":0})", R"({"id":1})", R"({"id":2})", R"({"id":3})"}));
  EXPECT_TRUE(contains(error_of([] { lines_of(corpus("truncated.jsonl.gz")); }),
                       "truncated.jsonl.gz: unexpected end of gzip data"));
  EXPECT_TRUE(contains(error_of([] { lines_of(corpus("magic.jsonl.gz")); }),
                       "unexpected end of gzip data"));
  for (const char* name : {"damaged.jsonl.gz", "trailing.jsonl.gz"}) {
    EXPECT_TRUE(contains(error_of([&] { lines_of(corpus(name)); }), ": damaged gzip data")) << name;
  }
}

TEST(ForEachLine, EveryTruncationOfGzipIsRefused) {
  const auto whole = read_file(corpus("ok_members.jsonl.gz"));
  std::size_t first = 0;  // the first member alone is a whole file
  for (std::size_t size = 2; size < whole.size(); ++size) {
    const auto message =
        error_of([&] { decompressed(std::string_view(whole).substr(0, size), "x"); });
    if (message.empty() && first == 0) {
      first = size;
    } else {
      EXPECT_TRUE(contains(message, "gzip data")) << size;
    }
  }
  EXPECT_NE(first, 0u);
}

TEST(ForEachLine, NamesLineAndByte) {
  EXPECT_TRUE(error_of([] {
                lines_of(corpus("latin1.jsonl"));
              }).ends_with("latin1.jsonl:2: byte 11 is not UTF-8: 0xe9"));
  EXPECT_TRUE(contains(error_of([] { lines_of(corpus("bad_line.jsonl")); }),
                       "bad_line.jsonl:2: byte 9: not JSON"));
}

TEST(ForEachLine, OneHugeLine) {
  std::string answer;
  while (answer.size() < 8 << 20) answer += "word ";
  const TemporaryFolder folder;
  const auto row = concat(R"({"prompt":"p","completion":")", answer, "\"}");
  write_file(folder / "a.jsonl", row + "\n");
  EXPECT_EQ(lines_of(folder / "a.jsonl").rows, Strings{row});
}

TEST(SharedCases, DataFilesDecidedByLinesAndJson) {
  const auto folder = testing::shared_path("cases/files");
  if (!folder) return;  // equal cases of our own are above
  EXPECT_EQ(lines_of(*folder / "D01_bom_crlf.jsonl").rows,
            lines_of(*folder / "D01_clean.jsonl").rows);
  EXPECT_EQ(lines_of(*folder / "D02_blank_lines.jsonl").rows.size(), 3u);
  EXPECT_EQ(lines_of(*folder / "D08_two_members.jsonl.gz").rows.size(), 3u);
  EXPECT_EQ(lines_of(*folder / "D22_line_separator.jsonl").rows.size(), 2u);
  EXPECT_EQ(lines_of(*folder / "D09_blank_only.jsonl").rows.size(), 0u);
  const auto refusal = [&](const char* name) {
    return error_of([&] { lines_of(*folder / name); });
  };
  EXPECT_TRUE(contains(refusal("D03_bad_line3.jsonl"), "D03_bad_line3.jsonl:3: "));
  EXPECT_TRUE(contains(refusal("D04_dup_keys.jsonl"), ": duplicate key \""));
  EXPECT_TRUE(contains(refusal("D05_numbers.jsonl"), "D05_numbers.jsonl:1: number out of range"));
  EXPECT_TRUE(contains(refusal("D08_truncated.jsonl.gz"), "unexpected end"));
  EXPECT_TRUE(contains(refusal("D11_lone_surrogate.jsonl"), "D11_lone_surrogate.jsonl:2: "));
  EXPECT_TRUE(contains(refusal("D21_latin1.jsonl"), "D21_latin1.jsonl:2: byte 38 is not UTF-8"));
}

}  // namespace
}  // namespace hone
