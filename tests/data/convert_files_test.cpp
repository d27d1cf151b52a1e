#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <hone/base/error.h>
#include <hone/base/files.h>
#include <hone/data/convert_files.h>

#include "base/error_of.h"
#include "base/temporary_folder.h"
#include "text/tokenizer_support.h"

namespace hone {
namespace {

using testing::error_of;
using testing::TemporaryFolder;

/// About three chunks of rows; every seventh has an empty answer.
std::string many_rows(int first) {
  std::string text;
  for (int i = first; i < first + 12000; ++i) {
    text += concat(R"({"prompt":"What is )", i, R"(?","completion":")",
                   i % 7 == 0 ? "" : "The number after one less.", "\"}\n");
  }
  return text;
}

class ConvertFiles : public ::testing::Test {
 protected:
  ConvertFiles()
      : converter_(testing::fixture_tokenizer("byte_level.json"), {}, {.append_eos = false}) {
    paths_ = {folder_.file("a.jsonl", many_rows(0)), folder_.file("b.jsonl", many_rows(20000))};
  }

  ConvertSummary convert_with(std::size_t threads,
                              const std::function<void(const ConvertProgress&)>& tick = {}) {
    TokenizedWriter writer(folder_ / "rows.jsonl", converter_.header());
    auto summary = convert_files(paths_, {}, converter_, writer, threads, tick);
    writer.commit();
    return summary;
  }

  std::string rows() const { return read_file(folder_ / "rows.jsonl"); }

  TemporaryFolder folder_;
  Converter converter_;
  std::vector<std::filesystem::path> paths_;
};

TEST_F(ConvertFiles, RowsAndCountsAreThoseOfOneThread) {
  Converter one_by_one = converter_;
  std::vector<TokenizedRow> expected;
  for (const auto& path : paths_) {
    for (const auto& record : read_records(path)) {
      if (auto row = one_by_one.convert(record)) expected.push_back(std::move(*row));
    }
  }
  for (const std::size_t threads : {1, 2, 7}) {
    const auto summary = convert_with(threads);
    EXPECT_EQ(read_tokenized(folder_ / "rows.jsonl").rows, expected) << threads;
    EXPECT_EQ(describe(summary), describe(one_by_one.summary())) << threads;
  }
}

TEST_F(ConvertFiles, TheFirstBadRowIsNamedWhateverTheThreads) {
  auto text = many_rows(0);
  for (const auto at : {text.size() / 3, text.size() / 2, text.size() - 200}) {
    const auto line = text.find("{\"prompt\"", at);
    text[line] = '[';
  }
  const auto before = text.substr(0, text.find("\n[\"") + 1);
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  paths_ = {folder_.file("bad.jsonl", text)};
  for (const std::size_t threads : {1, 2, 7}) {
    EXPECT_NE(error_of([&] { convert_with(threads); }).find(concat("bad.jsonl:", line, ": byte ")),
              std::string::npos);
  }
  EXPECT_FALSE(std::filesystem::exists(folder_ / "rows.jsonl"));
}

TEST_F(ConvertFiles, ProgressReachesTheEndAndMayStop) {
  ConvertProgress last;
  convert_with(2, [&](const ConvertProgress& progress) {
    EXPECT_GE(progress.bytes, last.bytes);
    last = progress;
  });
  EXPECT_EQ(last.bytes, last.all_bytes);
  EXPECT_EQ(last.all_bytes,
            std::filesystem::file_size(paths_[0]) + std::filesystem::file_size(paths_[1]));
  EXPECT_THROW(convert_with(2, [](const ConvertProgress&) { throw std::runtime_error("stop"); }),
               std::runtime_error);
}

TEST_F(ConvertFiles, AFileWithoutExamplesIsNamed) {
  paths_.push_back(folder_.file("blank.jsonl", "\n \n"));
  EXPECT_NE(error_of([&] { convert_with(2); }).find("blank.jsonl: no examples"), std::string::npos);
}

}  // namespace
}  // namespace hone
