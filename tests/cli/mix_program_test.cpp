// hone-mix as a user calls it, up to rows that hone-convert takes.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <hone/base/files.h>

#include "base/error_of.h"
#include "base/temporary_folder.h"
#include "run.h"
#include "shared_data.h"

namespace hone::testing {
namespace {

const std::string kMix = HONE_MIX;

class MixProgram : public ::testing::Test {
 protected:
  MixProgram() {
    folder_.file("good.txt", "I liked it a lot.\nSuch a fine evening!\nI liked it, a lot!\n");
    folder_.file("bad.txt", "Never again.\n");
    write_mixture((std::filesystem::path(HONE_SOURCE_DIR) / "data/templates/sentiment.toml"));
  }

  void write_mixture(const std::string& templates) const {
    folder_.file("mix.toml",
                 "[[source]]\nname = \"opinions\"\ntemplates = \"" + templates +
                     "\"\nfiles = [{path = \"good.txt\", set = {label = 1}}, {path = \"bad.txt\", "
                     "set = {label = \"negative\"}}]\n");
  }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  Outcome mix(std::vector<std::string> more = {}) const {
    std::vector<std::string> arguments = {"--mixture", path("mix.toml"), "--output", path("out")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(kMix, arguments);
  }

  void expect_refused(const Outcome& outcome, const std::string& message) const {
    EXPECT_EQ(outcome.code, 2) << outcome.err;
    EXPECT_EQ(count_lines(outcome.err), 1u) << outcome.err;
    EXPECT_TRUE(contains(outcome.err, message)) << outcome.err;
    EXPECT_FALSE(std::filesystem::exists(path("out")));
    EXPECT_EQ(folder_.size(), 3) << "something was left behind";
  }

  TemporaryFolder folder_;
};

TEST_F(MixProgram, SaysWhatItDidAndItsRowsConvert) {
  const auto mixed = mix();
  EXPECT_EQ(mixed.code, 0) << mixed.err;
  EXPECT_EQ(mixed.out, path("out/train.jsonl") + ": 3 rows\n");
  EXPECT_TRUE(contains(mixed.err,
                       "opinions: read 4, dropped 1, set apart 0, rows to train on 3\n"
                       "  dropped 1: the same words as an earlier record, first " +
                           path("good.txt") + ":3\n"))
      << mixed.err;
  EXPECT_TRUE(std::filesystem::exists(path("out/summary.json")));
  EXPECT_FALSE(std::filesystem::exists(path("out/held_out.jsonl")));
  std::filesystem::create_directory(path("model"));
  folder_.file("model/tokenizer.json", read_file(fixture_path("text/byte_level.json")));
  folder_.file("model/tokenizer_config.json", R"({"eos_token":"<|im_end|>"})");
  const auto converted = run(HONE_CONVERT, {"--model", path("model"), "--input",
                                            path("out/train.jsonl"), "--output", path("t.jsonl")});
  EXPECT_EQ(converted.code, 0) << converted.err;
  EXPECT_TRUE(contains(converted.err, "read 3, written 3, dropped 0")) << converted.err;
  EXPECT_FALSE(contains(converted.err, "note")) << converted.err;
}

TEST_F(MixProgram, KeepsAnOutputThatIsThere) {
  ASSERT_EQ(mix().code, 0);
  const auto again = mix({"--seed", "5"});
  EXPECT_EQ(again.code, 2);
  EXPECT_TRUE(contains(again.err, "exists already; give --overwrite")) << again.err;
  EXPECT_EQ(mix({"--seed", "5", "--overwrite"}).code, 0);
}

TEST_F(MixProgram, RefusesInOneLineAndLeavesNothing) {
  expect_refused(mix({"--near", "2"}), "near must be from 0 (off) to 1, got 2");
  expect_refused(mix({"--layout", "chat"}), "layout \"chat\" is not one of");
  expect_refused(mix({"--separator", "x"}), "separator \"x\" is not one of");
  expect_refused(mix({"--unseen", "opinion"}), "no source or task is called \"opinion\"");
  expect_refused(mix({"--sed", "1"}), "unknown option --sed");
  expect_refused(mix({"--evaluation", path("none.jsonl")}), "none.jsonl: cannot open");
  expect_refused(mix({"--min-words", "99"}), "no record is left to train on");
  folder_.file("bad.txt", "\xff\n");
  expect_refused(mix(), "bad.txt:1: is not UTF-8");
  folder_.file("bad.txt", "");
  expect_refused(mix(), "bad.txt: no records");
  write_mixture("none.toml");
  expect_refused(mix(), "none.toml: cannot open");
}

TEST_F(MixProgram, AFullDiskIsSaidInOneLine) {
  std::string many;
  for (int i = 0; i < 500; ++i) many += "This is opinion number " + std::to_string(i) + ".\n";
  folder_.file("good.txt", many);
  const auto outcome =
      run(kMix, {"--mixture", path("mix.toml"), "--output", path("out")}, {.max_file_bytes = 4096});
  EXPECT_EQ(outcome.code, 2) << outcome.err;
  EXPECT_EQ(count_lines(outcome.err), 1u) << outcome.err;
  EXPECT_FALSE(std::filesystem::exists(path("out")));
}

TEST_F(MixProgram, OptionsMayStandInAFile) {
  folder_.file("options.toml", "mixture = \"" + path("mix.toml") + "\"\noutput = \"" + path("out") +
                                   "\"\nlayout = \"messages\"\nunseen = []\n");
  const auto outcome = run(kMix, {"--config", path("options.toml")});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_TRUE(contains(read_file(path("out/train.jsonl")), "\"role\":\"assistant\""));
  const auto printed = run(kMix, {"--config", path("options.toml"), "--print-config"});
  EXPECT_EQ(printed.code, 0) << printed.err;
  EXPECT_TRUE(contains(printed.out, "separator = \"newline\"\n")) << printed.out;
}

}  // namespace
}  // namespace hone::testing
