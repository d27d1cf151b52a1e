#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <zlib.h>
#include <zstd.h>

#include <hone/base/error.h>
#include <hone/base/files.h>
#include <hone/base/row_source.h>

#include "error_of.h"
#include "temporary_folder.h"

namespace hone {
namespace {

using testing::error_of;
using testing::TemporaryFolder;

using PlacedRows = std::vector<std::pair<std::string, std::string>>;

/// Every row with its place, read in steps of `read_bytes` and cut into chunks of about
/// `chunk_bytes`.
PlacedRows read_rows(std::string_view bytes,
                     FileLayout layout,
                     std::size_t read_bytes = 1 << 18,
                     std::size_t chunk_bytes = 1 << 18) {
  PlacedRows rows;
  RowSource source(bytes, "f", {.layout = layout, .table = {}}, read_bytes);
  RowChunk chunk;
  while (source.next(chunk, chunk_bytes)) {
    for (std::size_t i = 0; i < chunk.size(); ++i)
      rows.emplace_back(chunk.place(i), to_json_line(chunk.row(i)));
  }
  return rows;
}

struct Sample {
  FileLayout layout;
  std::string text;
  PlacedRows rows;
};

const std::vector<Sample>& samples() {
  static const std::vector<Sample> all = {
      {FileLayout::kJsonl,
       "\xef\xbb\xbf{\"a\":1}\r\n\n \t\n[2]\n\"x\xe2\x80\xa8y\"",
       {{"f:1", "{\"a\":1}"}, {"f:4", "[2]"}, {"f:5", "\"x\xe2\x80\xa8y\""}}},
      {FileLayout::kJson,
       " [ {\"a\": \"],\\\"}\" , \"b\":[1,[2,{}]]} ,\n 7,\"\\\\\"\n, [] ]\n ",
       {{"f: record 1", R"({"a":"],\"}","b":[1,[2,{}]]})"},
        {"f: record 2", "7"},
        {"f: record 3", R"("\\")"},
        {"f: record 4", "[]"}}},
      {FileLayout::kCsv,
       "a,b\r\n\"x, \"\"y\"\"\",\"1\n2\"\r\n\n5\"6,\"\"\n , ",
       {{"f:2", R"({"a":"x, \"y\"","b":"1\n2"})"},
        {"f:5", R"({"a":"5\"6","b":""})"},
        {"f:6", R"({"a":" ","b":" "})"}}},
      {FileLayout::kTsv, "a\tb\nx,\"\ty", {{"f:2", R"({"a":"x,\"","b":"y"})"}}},
      {FileLayout::kText,
       " one \r\n\n\ttwo words\n",
       {{"f:1", R"({"text":"one"})"}, {"f:3", R"({"text":"two words"})"}}},
  };
  return all;
}

TEST(RowSource, CutsEveryLayout) {
  for (const auto& sample : samples())
    EXPECT_EQ(read_rows(sample.text, sample.layout), sample.rows);
}

TEST(RowSource, RowsAreTheSameHoweverTheFileIsRead) {
  for (const auto& sample : samples()) {
    for (std::size_t read_bytes = 1; read_bytes < 40; ++read_bytes) {
      for (const std::size_t chunk_bytes : {1, 7, 1000}) {
        EXPECT_EQ(read_rows(sample.text, sample.layout, read_bytes, chunk_bytes), sample.rows)
            << "read " << read_bytes << ", chunk " << chunk_bytes;
      }
    }
  }
}

TEST(RowSource, LayoutIsFoundByLooking) {
  const TemporaryFolder folder;
  const auto layout_found = [&](const std::string& name, const std::string& text) {
    RowSource source(folder.file(name, text));
    RowChunk chunk;
    return source.next(chunk) ? chunk.place(0).substr(folder.path().string().size() + 1) : "";
  };
  EXPECT_EQ(layout_found("a.json", "\n [{}]"), "a.json: record 1");
  EXPECT_EQ(layout_found("a.json", "{}"), "a.json:1");
  EXPECT_EQ(layout_found("a.jsonl", "[{}]"), "a.jsonl: record 1");
  EXPECT_EQ(layout_found("a.csv", "a\nb"), "a.csv:2");
  EXPECT_EQ(layout_found("a.csv", ""), "");
  EXPECT_EQ(layout_found("a.json", "[ ]"), "");
}

TEST(RowSource, DamagedArraysAreRefusedByLine) {
  const auto refusal = [](std::string_view text) {
    return error_of([&] { read_rows(text, FileLayout::kJson); });
  };
  EXPECT_EQ(refusal("[{},\n{}"), "f:2: the array is not closed");
  EXPECT_EQ(refusal("[\"a]"), "f:1: the array is not closed");
  EXPECT_EQ(refusal("[{}]\n\nx"), "f:3: text behind the end of the array");
  EXPECT_EQ(refusal("[{},\n,{}]"), "f:2: not JSON: a record is missing beside a comma");
  EXPECT_EQ(refusal("[{},\n]"), "f:2: not JSON: a record is missing beside a comma");
  EXPECT_EQ(refusal("{}"), "f: expected an array of records");
  EXPECT_TRUE(refusal("[{},\n {\"a\":\n1 2}]").starts_with("f:3: byte 3: not JSON"))
      << refusal("[{},\n {\"a\":\n1 2}]");
  EXPECT_EQ(refusal("[1,\n{\"a\":1,\"a\":2}]"), "f:2: duplicate key \"a\"");
}

TEST(RowSource, RowsBeforeAFaultComeFirst) {
  RowSource source("[1, 2, , 3]", "f");
  RowChunk chunk;
  ASSERT_TRUE(source.next(chunk));
  EXPECT_EQ(chunk.size(), 2u);
  for (int i = 0; i < 2; ++i)
    EXPECT_EQ(error_of([&] { source.next(chunk); }),
              "f:1: not JSON: a record is missing beside a comma");
}

TEST(RowSource, EveryTruncationOfAnArrayIsRefused) {
  const std::string text = "[{\"a\":[1]},{\"b\":\"]\"}]";
  for (std::size_t size = 1; size < text.size(); ++size) {
    EXPECT_TRUE(error_of([&] {
                  read_rows(std::string_view(text).substr(0, size), FileLayout::kJson);
                }).starts_with("f:1: "))
        << size;
  }
}

std::string packed_by_gzip(const std::string& text) {
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::string bytes(deflateBound(&stream, text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(bytes.data());
  stream.avail_out = static_cast<uInt>(bytes.size());
  deflate(&stream, Z_FINISH);
  bytes.resize(stream.total_out);
  deflateEnd(&stream);
  return bytes;
}

std::string zstd_frame_of(const std::string& text) {
  std::string bytes(ZSTD_compressBound(text.size()), '\0');
  bytes.resize(ZSTD_compress(bytes.data(), bytes.size(), text.data(), text.size(), 3));
  return bytes;
}

TEST(RowSource, PackedFilesAreReadAsTheyCome) {
  std::string text;
  for (int i = 0; i < 3000; ++i) text += "{\"n\":" + std::to_string(i * 7919 % 10007) + "}\n";
  const auto rows = read_rows(text, FileLayout::kJsonl);
  const auto half = text.size() / 2;
  for (const auto& packed :
       {packed_by_gzip(text),
        packed_by_gzip(text.substr(0, half)) + packed_by_gzip(text.substr(half)),
        zstd_frame_of(text),
        zstd_frame_of(text.substr(0, half)) + zstd_frame_of(text.substr(half))}) {
    for (const std::size_t read_bytes : {100, 4096, 1 << 18}) {
      EXPECT_EQ(read_rows(packed, FileLayout::kJsonl, read_bytes), rows) << read_bytes;
    }
    const TemporaryFolder folder;
    std::size_t count = 0;
    for_each_row(RowSource(folder.file("t.jsonl", packed)),
                 [&](const Json&, const std::string&) { ++count; });
    EXPECT_EQ(count, rows.size());
    EXPECT_NE(error_of([&] {
                read_rows(std::string_view(packed).substr(0, packed.size() - 3),
                          FileLayout::kJsonl);
              }).find("f: unexpected end of "),
              std::string::npos);
  }
}

TEST(RowSource, MissingFilesAndFoldersAreNamed) {
  const TemporaryFolder folder;
  EXPECT_EQ(error_of([&] { RowSource source(folder / "none"); }),
            (folder / "none").string() + ": cannot open: No such file or directory");
  EXPECT_EQ(error_of([&] { RowSource source(folder.path()); }),
            folder.path().string() + ": not a regular file");
}

}  // namespace
}  // namespace hone
