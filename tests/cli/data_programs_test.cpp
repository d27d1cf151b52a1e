// hone-convert, hone-inspect and make-home-control as a user calls them: exit codes, messages,
// files left behind.
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

const std::string kConvert = HONE_CONVERT;
const std::string kInspect = HONE_INSPECT;
const std::string kMakeHomeControl = HONE_MAKE_HOME_CONTROL;

constexpr const char* kChatMl =
    "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}{% "
    "endfor %}";
constexpr const char* kChat =
    R"({"messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":"Ho"}]})";

/// A folder with a small model's tokenizer in `model`, and what a test puts beside it.
class DataPrograms : public ::testing::Test {
 protected:
  DataPrograms() {
    std::filesystem::create_directory(folder_ / "model");
    folder_.file("model/tokenizer.json", read_file(fixture_path("text/byte_level.json")));
    folder_.file("model/tokenizer_config.json", R"({"eos_token":"<|im_end|>"})");
    folder_.file("model/chat_template.jinja", kChatMl);
  }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  /// hone-convert of `input` (in the folder) to `t.jsonl`, with further arguments.
  Outcome convert(const std::string& input, std::vector<std::string> more = {}) const {
    std::vector<std::string> arguments = {"--model",   path("model"), "--input",
                                          path(input), "--output",    path("t.jsonl")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(kConvert, arguments);
  }

  /// One line on stderr that holds `message`, exit code 2, and no output file or left-over.
  void expect_refused(const Outcome& outcome, const std::string& message) const {
    EXPECT_EQ(outcome.code, 2) << outcome.err;
    EXPECT_EQ(count_lines(outcome.err), 1u) << outcome.err;
    EXPECT_NE(outcome.err.find(message), std::string::npos) << outcome.err;
    EXPECT_EQ(outcome.out, "");
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
      EXPECT_EQ(entry.path().filename().string().find("t.jsonl"), std::string::npos)
          << entry.path();
    }
  }

  TemporaryFolder folder_;
};

TEST_F(DataPrograms, ConvertSaysWhatItDidAndInspectShowsIt) {
  folder_.file("in.jsonl", std::string(kChat) + "\n" + R"({"prompt":"1","completion":" "})" + "\n");
  const auto converted = convert("in.jsonl");
  EXPECT_EQ(converted.code, 0) << converted.err;
  EXPECT_EQ(converted.out, path("t.jsonl") + "\n");
  EXPECT_EQ(converted.err, "read 2, written 1, dropped 1\ndropped: 1 of 2: reply is empty, first " +
                               path("in.jsonl") +
                               ":2\ntrained on 3 of 21 tokens (14 %), longest row 21\n");
  const auto shown = run(kInspect, {path("t.jsonl"), "--model", path("model")});
  EXPECT_EQ(shown.code, 0) << shown.err;
  EXPECT_EQ(shown.out,
            path("t.jsonl") +
                ": 1 rows, 21 tokens, 3 trained, from in.jsonl\n\nrow 1: 21 tokens, 3 trained\n"
                "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n[[Ho<|im_end|>]]\n\n");
}

TEST_F(DataPrograms, ConvertRefusesBadRowsAndWritesNothing) {
  folder_.file("bad.jsonl", std::string(kChat) + "\n{\"messages\":\n");
  expect_refused(convert("bad.jsonl"), "bad.jsonl:2: byte 13: not JSON");
  folder_.file("empty.jsonl", "\n");
  expect_refused(convert("empty.jsonl"), "empty.jsonl: no examples");
  expect_refused(convert("missing.jsonl"), "missing.jsonl: cannot open");
  folder_.file("latin.jsonl", "{\"prompt\":\"a\",\"completion\":\"\xe9\"}");
  expect_refused(convert("latin.jsonl"), "latin.jsonl:1: ");
}

TEST_F(DataPrograms, ConvertWithoutATargetIsRefused) {
  folder_.file("in.jsonl", R"({"prompt":"1","completion":""})");
  const auto outcome = convert("in.jsonl");
  EXPECT_EQ(outcome.code, 2);
  EXPECT_NE(outcome.err.find("no trainable tokens"), std::string::npos) << outcome.err;
  EXPECT_FALSE(std::filesystem::exists(path("t.jsonl")));
}

TEST_F(DataPrograms, ConvertKeepsAnOutputThatIsThere) {  // U04
  folder_.file("in.jsonl", kChat);
  ASSERT_EQ(convert("in.jsonl").code, 0);
  const auto first = read_file(path("t.jsonl"));
  folder_.file("in.jsonl", std::string(kChat) + "\n" + kChat);
  const auto second = convert("in.jsonl");
  EXPECT_EQ(second.code, 2);
  EXPECT_NE(second.err.find("exists already; give --overwrite"), std::string::npos) << second.err;
  EXPECT_EQ(read_file(path("t.jsonl")), first);
  EXPECT_EQ(convert("in.jsonl", {"--overwrite"}).code, 0);
  EXPECT_NE(read_file(path("t.jsonl")), first);
}

TEST_F(DataPrograms, ConvertRefusesOptionsByNameAndSuggestsTheNearest) {  // U01, U02
  folder_.file("in.jsonl", kChat);
  expect_refused(convert("in.jsonl", {"--max-lenght", "5"}), "max-length");
  expect_refused(convert("in.jsonl", {"--max-length", "5x"}), "max-length");
  expect_refused(convert("in.jsonl", {"--max-length", "-5"}),
                 "max_length must be 0 (any) or more, got -5");
  expect_refused(convert("in.jsonl", {"--format", "alpacca"}),
                 "format \"alpacca\" is not one of auto, messages");
  expect_refused(convert("in.jsonl", {"--format", "alpaca"}),
                 "in.jsonl:1: \"instruction\" must be a string");
  expect_refused(convert("in.jsonl", {"--chat-template", path("none.jinja")}),
                 "none.jinja\": no such file, and not one of chatml");
  folder_.file("c.toml", "max-lenght = 5\n");
  expect_refused(convert("in.jsonl", {"--config", path("c.toml")}), "max-length");
  expect_refused(run(kConvert, {"--input", path("in.jsonl"), "--output", path("t.jsonl")}),
                 "--model");
  expect_refused(run(kConvert, {}), "required");
}

TEST_F(DataPrograms, ConvertTakesItsOptionsFromAFile) {
  folder_.file("in.jsonl", kChat);
  folder_.file("c.toml", "max-length = 5\noverflow = \"keep-start\"\n");
  const auto outcome = convert("in.jsonl", {"--config", path("c.toml")});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_NE(outcome.err.find("answer does not fit in 5 tokens"), std::string::npos) << outcome.err;
  const auto printed = convert("in.jsonl", {"--config", path("c.toml"), "--print-config"});
  EXPECT_EQ(printed.code, 0);
  EXPECT_NE(printed.out.find("max-length = 5"), std::string::npos) << printed.out;
  folder_.file("again.toml", printed.out);
  EXPECT_EQ(run(kConvert, {"--config", path("again.toml"), "--print-config"}).out, printed.out);
}

TEST_F(DataPrograms, ConvertTakesATableWithColumnsOfOtherNames) {
  folder_.file("in.csv", "question,answer\n\"a, lamp\",on\n");
  const auto outcome = convert("in.csv", {"--columns", "prompt=question,completion=answer"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_NE(outcome.err.find("written 1"), std::string::npos) << outcome.err;
  std::filesystem::remove(path("t.jsonl"));
  expect_refused(convert("in.csv"), "in.csv:2: expected messages");
  expect_refused(convert("in.csv", {"--columns", "prompt:question"}), "prompt=question");
}

TEST_F(DataPrograms, InspectRefusesRowsOfAnotherTokenizer) {
  folder_.file("in.jsonl", kChat);
  ASSERT_EQ(convert("in.jsonl").code, 0);
  const auto other = run(
      kInspect, {path("t.jsonl"), "--tokenizer", fixture_path("text/byte_fallback.json").string()});
  EXPECT_EQ(other.code, 2);
  EXPECT_NE(other.err.find("t.jsonl: made with tokenizer "), std::string::npos) << other.err;
  EXPECT_EQ(count_lines(other.err), 1u);
  EXPECT_EQ(run(kInspect, {path("in.jsonl"), "--model", path("model")}).code, 2);
}

TEST_F(DataPrograms, InspectShowsTokensAndPages) {
  folder_.file("in.jsonl", kChat);
  ASSERT_EQ(convert("in.jsonl").code, 0);
  const Arguments start = {path("t.jsonl"), "--model", path("model")};
  const auto tokens = run(kInspect, start + Arguments{"--tokens", "--html", path("page.html")});
  ASSERT_EQ(tokens.code, 0) << tokens.err;
  EXPECT_TRUE(contains(tokens.out, ":<|im_end|>]]|")) << tokens.out;
  const auto page = read_file(path("page.html"));
  EXPECT_TRUE(contains(page, "&lt;|im_start|&gt;</span>")) << page;
  EXPECT_TRUE(contains(page, "<span class=\"t\" title=\"")) << page;
  EXPECT_TRUE(contains(page, "Nothing looks wrong.")) << page;
}

TEST_F(DataPrograms, InspectNamesWhatLooksWrong) {
  folder_.file("in.jsonl", R"({"prompt":"Good m","completion":"orning"})");
  const auto converted = run(kConvert, {"--model", path("model"), "--input", path("in.jsonl"),
                                        "--output", path("t.jsonl"), "--no-eos"});
  ASSERT_EQ(converted.code, 0) << converted.err;
  const auto shown = run(kInspect, {path("t.jsonl"), "--model", path("model")});
  EXPECT_TRUE(contains(shown.out, "looks wrong: a trained turn has no end token: 1 rows"));
  EXPECT_TRUE(contains(shown.out, "looks wrong: training starts inside of a word: 1 rows"));
}

TEST_F(DataPrograms, InspectShowsTextsThereAndBack) {
  const auto shown = run(kInspect, {path("model"), "--text", "Hi <|im_end|>"});
  EXPECT_EQ(shown.code, 0) << shown.err;
  EXPECT_TRUE(contains(shown.out, ":<|im_end|>|")) << shown.out;
  EXPECT_TRUE(contains(shown.out, "decoded: the same")) << shown.out;
  const auto nothing = run(kInspect, {});
  EXPECT_EQ(nothing.code, 2);
  EXPECT_TRUE(contains(nothing.err, "give a file or folder to inspect")) << nothing.err;
  EXPECT_EQ(run(kInspect, {folder_.path().string()}).code, 2);
}

TEST_F(DataPrograms, HelpAndVersionAreNoErrors) {
  for (const auto& program : {kConvert, kInspect, kMakeHomeControl}) {
    const auto help = run(program, {"--help"});
    EXPECT_EQ(help.code, 0);
    EXPECT_NE(help.out.find("--config"), std::string::npos);
    EXPECT_EQ(help.err, "");
    EXPECT_EQ(run(program, {"--version"}).out.substr(0, 5), "hone ");
  }
}

TEST_F(DataPrograms, TheCommittedHomeControlSetIsWhatTheGeneratorWrites) {
  ASSERT_EQ(run(kMakeHomeControl, {"--out", path("home")}).code, 0);
  const auto committed = std::filesystem::path(HONE_SOURCE_DIR) / "data" / "home_control";
  for (const char* name : {"train.jsonl", "heldout.jsonl"}) {
    EXPECT_TRUE(read_file(path(std::string("home/") + name)) == read_file(committed / name))
        << name;
  }
  ASSERT_EQ(run(kMakeHomeControl, {"--out", path("other"), "--seed", "2"}).code, 0);
  EXPECT_FALSE(read_file(path("other/train.jsonl")) == read_file(committed / "train.jsonl"));
  expect_refused(run(kMakeHomeControl, {"--out", path("more"), "--heldout", "9000000"}),
                 "ask for fewer rows");
}

TEST_F(DataPrograms, ConvertTakesPreferencesAndDataSetsByName) {
  const std::string row = R"({"q":[{"role":"user","content":"Hi"}],"yes":"Ho","no":"Hum"})";
  folder_.file("pairs.jsonl", row);
  const Arguments start = {"--model", path("model"), "--output", path("t.jsonl"), "--overwrite"};
  const auto named = run(kConvert, start + Arguments{"--input", path("pairs.jsonl"), "--columns",
                                                     "prompt=q,chosen=yes,rejected=no"});
  ASSERT_EQ(named.code, 0) << named.err;
  const auto rows = read_file(path("t.jsonl"));
  EXPECT_TRUE(contains(rows, R"("kind":"preference")")) << rows;
  EXPECT_TRUE(contains(rows, R"(,"chosen":[)")) << rows;
  folder_.file("dataset_info.json",
               R"({"pairs":{"file_name":"pairs.jsonl","ranking":true,"columns":)"
               R"({"prompt":"ask","chosen":"yes","rejected":"no"}}})");
  folder_.file("pairs.jsonl", R"({"ask":"Hi","yes":"Ho","no":"Hum"})");
  const auto info = start + Arguments{"--dataset-info", path("dataset_info.json")};
  const auto by_name = run(kConvert, info + Arguments{"--dataset", "pairs"});
  ASSERT_EQ(by_name.code, 0) << by_name.err;
  EXPECT_EQ(read_file(path("t.jsonl")), rows);
  std::filesystem::remove(path("t.jsonl"));
  expect_refused(run(kConvert, info), "give --dataset-info and --dataset together");
  expect_refused(run(kConvert, info + Arguments{"--dataset", "pears"}), "did you mean");
  expect_refused(run(kConvert, start), "give --input, or --dataset-info and --dataset");
  expect_refused(run(kConvert, info + Arguments{"--dataset", "pairs", "--format", "text"}),
                 "leave out --format");
}

TEST_F(DataPrograms, CtrlCEndsAConversionWithoutLeftovers) {
  std::string rows;
  for (int i = 0; i < 400000; ++i) rows += std::string(kChat) + "\n";
  folder_.file("in.jsonl", rows);
  const auto outcome =
      run(kConvert,
          {"--model", path("model"), "--input", path("in.jsonl"), "--output", path("t.jsonl")},
          {.signal_after_ms = 400});
  EXPECT_EQ(outcome.code, 130) << outcome.err;
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
    EXPECT_EQ(entry.path().filename().string().find("t.jsonl"), std::string::npos) << entry.path();
  }
}

}  // namespace
}  // namespace hone::testing
