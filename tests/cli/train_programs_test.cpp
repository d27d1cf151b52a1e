// hone-sft, hone-generate, hone-chat, hone-evaluate and hone-merge as a user calls them, on a tiny
// model: options, refusals, full disks, killed processes.
#include <algorithm>
#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <hone/base/error.h>
#include <hone/base/files.h>
#include <hone/base/json_io.h>
#include <hone/base/row_source.h>
#include <hone/data/tokenized.h>
#include <hone/text/tokenizer.h>

#include "base/error_of.h"
#include "base/temporary_folder.h"
#include "run.h"
#include "shared_data.h"
#include "tiny_model.h"

namespace hone::testing {
namespace {

namespace fs = std::filesystem;

const std::string kSft = HONE_SFT;
const std::string kGenerate = HONE_GENERATE;
const std::string kChatProgram = HONE_CHAT;
const std::string kEvaluate = HONE_EVALUATE;
const std::string kMerge = HONE_MERGE;
const std::string kExport = HONE_EXPORT;

/// A tiny model in `model`, twelve rows in `train.tokens`.
class TrainPrograms : public ::testing::Test {
 protected:
  TrainPrograms() {
    write_tiny_model(folder_ / "model");
    std::vector<TokenizedRow> rows;
    for (std::int32_t row = 0; row < 12; ++row) {
      rows.push_back({});
      for (std::int32_t token = 0; token < 6 + row % 4; ++token) {
        rows.back().input_ids.push_back(300 + (31 * row + 7 * token) % 200);
        rows.back().labels.push_back(token < 3 ? kIgnoredLabel : rows.back().input_ids.back());
      }
    }
    write_tokenized(path("train.tokens"), {.tokenizer = load_tokenizer(path("model")).hash()},
                    rows);
  }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  Arguments sft(const std::string& output) const {
    return {"--model",      path("model"), "--train-data", path("train.tokens"),
            "--output-dir", path(output),  "--seed",       "3"};
  }

  Arguments model() const { return {"--model", path("model")}; }

  /// Exit code 2 and one line on stderr that holds each of `parts`.
  static void expect_refused(const Outcome& outcome, const Arguments& parts) {
    EXPECT_EQ(outcome.code, 2) << outcome.err;
    EXPECT_EQ(count_lines(outcome.err), 1u) << outcome.err;
    for (const auto& part : parts)
      EXPECT_NE(outcome.err.find(part), std::string::npos) << outcome.err;
    EXPECT_EQ(outcome.out, "");
  }

  TemporaryFolder folder_;
};

/// The value that `--print-config` shows for `key`.
std::string shown(const std::string& config, const std::string& key) {
  const auto at = config.find("\n" + key + " = ");
  if (at == std::string::npos) return "missing";
  const auto start = at + key.size() + 4;
  return config.substr(start, config.find('\n', start) - start);
}

TEST_F(TrainPrograms, ANumberIsTheSameHoweverItIsWritten) {  // U02
  for (const char* rate : {"1e-4", "1.0e-4", ".0001", "0.0001"}) {
    const auto outcome =
        run(kSft, sft("x") + Arguments{"--learning-rate", rate, "--max-steps", "1",
                                       "--warmup-ratio", "0", "--lr-scheduler-type", "constant"});
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_EQ(read_json(path("x/metrics.jsonl"))["learning_rate"].get<double>(), 1e-4) << rate;
    fs::remove_all(path("x"));
  }
  for (const char* rate : {"1e-4x", "1e-4 x", "x"}) {
    expect_refused(run(kSft, sft("x") + Arguments{"--learning-rate", rate}), {"learning-rate"});
  }
  folder_.file("text.toml", "learning-rate = \"1e-4x\"\n");
  expect_refused(run(kSft, sft("x") + Arguments{"--config", path("text.toml")}), {"learning-rate"});
  EXPECT_FALSE(fs::exists(path("x")));
}

// The sizes are those that write_tiny_model gives its layers.
TEST_F(TrainPrograms, InspectTellsModelsAndAdapters) {
  const auto model = run(HONE_INSPECT, {path("model")});
  EXPECT_EQ(model.code, 0) << model.err;
  for (const char* part : {": llama, ", "layers           2\n", "key-value heads  1\n",
                           "a layer          1,952 parameters\n",
                           "64 bytes a token in bf16, 128 in fp32\n", "with a chat template\n"})
    EXPECT_TRUE(contains(model.out, part)) << part << " in " << model.out;
  ASSERT_EQ(run(kSft, sft("x") + Arguments{"--max-steps", "1", "--r", "4"}).code, 0);
  const auto adapter = run(HONE_INSPECT, {path("x/final")});
  EXPECT_EQ(adapter.code, 0) << adapter.err;
  EXPECT_TRUE(contains(adapter.out, "adapter LORA, ")) << adapter.out;
  EXPECT_TRUE(contains(adapter.out, "r                        4\n")) << adapter.out;
  fs::create_directories(path("empty"));
  write_file(path("empty/config.json"), "{}");
  expect_refused(run(HONE_INSPECT, {path("empty")}), {"empty: holds no model.safetensors"});
}

TEST_F(TrainPrograms, MisspeltOptionsAreNamedWithTheNearest) {  // U01
  expect_refused(run(kSft, sft("x") + Arguments{"--learnng-rate", "1"}),
                 {"learnng-rate", "did you mean learning-rate"});
  folder_.file("bad.toml", "seed = 1\nr = = 2\n");
  expect_refused(run(kSft, sft("x") + Arguments{"--config", path("bad.toml")}), {"bad.toml:2: "});
  folder_.file("typo.toml", "seed = 1\nlearnng_rate = 1e-4\n");
  expect_refused(run(kSft, sft("x") + Arguments{"--config", path("typo.toml")}),
                 {"typo.toml:2: ", "learnng_rate", "did you mean learning"});
  EXPECT_FALSE(fs::exists(path("x")));
}

// Every method by its name, with the options that the tiny model asks for.
TEST_F(TrainPrograms, EveryPeftMethodTrainsAndIsRead) {
  const std::map<std::string, Arguments> methods = {
      {"lora", {"--rank-pattern", "q_proj=2", "--modules-to-save", "norm"}},
      {"dora", {}},
      {"pissa", {"--r", "2"}},
      {"vera", {"--r", "4"}},
      {"loha", {}},
      {"lokr", {"--decompose-both"}},
      {"oft", {"--oft-block-size", "4"}},
      {"ia3", {}},
      {"ln_tuning", {}},
      {"last_layers", {"--last-layers", "1"}},
      {"selective", {"--parameters", "norm.weight"}},
      {"houlsby", {"--reduction-factor", "2"}},
      {"prompt_tuning", {"--prompt-tuning-init", "TEXT", "--prompt-tuning-init-text", "a"}},
      {"p_tuning", {"--encoder-hidden-size", "4"}},
      {"prefix_tuning", {"--prefix-projection", "--num-virtual-tokens", "2"}}};
  for (const auto& [method, options] : methods) {
    const auto outcome =
        run(kSft, sft(method) + Arguments{"--peft", method, "--max-steps", "2"} + options);
    ASSERT_EQ(outcome.code, 0) << method << outcome.err;
    const auto inspected = run(HONE_INSPECT, {path(method + "/final")});
    EXPECT_EQ(inspected.code, 0) << method << inspected.err;
  }
  for (const char* method : {"dora", "prompt_tuning", "prefix_tuning", "houlsby", "last_layers"}) {
    const auto text =
        run(kGenerate, model() + Arguments{"--prompt", "a", "--max-new-tokens", "2", "--adapter",
                                           path(std::string(method) + "/final")});
    EXPECT_EQ(text.code, 0) << method << text.err;
  }
  expect_refused(run(kSft, sft("x") + Arguments{"--peft", "bitfit"}), {"biases", "has none"});
  expect_refused(run(kSft, sft("x") + Arguments{"--peft", "iaa3"}), {"did you mean ia3"});
  expect_refused(run(kSft, sft("x") + Arguments{"--peft", "ia3", "--r", "8"}),
                 {"unknown option --r"});
  expect_refused(run(kMerge, model() + Arguments{"--adapter", path("houlsby/final"), "--output",
                                                 path("merged")}),
                 {"bottleneck adapter is not linear"});
  EXPECT_FALSE(fs::exists(path("merged")));
}

TEST_F(TrainPrograms, ADryRunTellsMemoryAndTimeAndWritesNothing) {
  const auto outcome = run(kSft, sft("x") + Arguments{"--dry-run", "--quantization", "int8"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  for (const char* part : {"  weights  ", "  gradients ", "  optimizer ", "  peak memory ", " s, "})
    EXPECT_TRUE(contains(outcome.out, part)) << part << " in " << outcome.out;
  EXPECT_FALSE(fs::exists(path("x")));
  const auto real = run(kSft, sft("x") + Arguments{"--max-steps", "2"});
  EXPECT_TRUE(contains(real.err, "(forecast ")) << real.err;
  expect_refused(run(kSft, sft("y") + Arguments{"--peft", "full", "--quantization", "int8"}),
                 {"--quantization", "cannot be trained"});
}

TEST_F(TrainPrograms, PrintedOptionsReadBack) {
  const std::map<std::string, Arguments> programs = {
      {kSft, sft("x") + Arguments{"--target-modules", "q_proj,o_proj", "--use-rslora",
                                  "--learning-rate", "3e-5", "--layers-to-transform", "0,1"}},
      {kGenerate, model() + Arguments{"--prompt", "a \"quoted\" # word", "--stop", "]\n", "--stop",
                                      "end", "--top-p", "0.9"}},
      {kChatProgram, model() + Arguments{"--system", "Be kind."}},
      {kEvaluate, model() + Arguments{"--data", "d.jsonl", "--limit", "7"}},
      {kMerge, model() + Arguments{"--adapter", "a", "--output", "o", "--dtype", "bfloat16"}}};
  for (const auto& [program, arguments] : programs) {
    const auto printed = run(program, arguments + Arguments{"--print-config"});
    ASSERT_EQ(printed.code, 0) << program << printed.err;
    const auto file = folder_.file("printed.toml", printed.out);
    const auto again = run(program, {"--config", file.string(), "--print-config"});
    EXPECT_EQ(again.code, 0) << program << again.err;
    EXPECT_EQ(again.out, printed.out) << program;
  }
  const auto config = run(kSft, programs.at(kSft) + Arguments{"--print-config"}).out;
  EXPECT_EQ(std::stod(shown(config, "learning-rate")), 3e-5) << config;
  const auto defaults = run(kSft, sft("x") + Arguments{"--print-config"}).out;
  EXPECT_EQ(shown(defaults, "target-modules"), R"(["q_proj", "v_proj"])") << defaults;
}

TEST_F(TrainPrograms, HelpNamesUnitsAndDefaults) {
  for (const auto& program : {kSft, kGenerate, kChatProgram, kEvaluate, kMerge}) {
    const auto help = run(program, {"--help"});
    EXPECT_EQ(help.code, 0);
    EXPECT_EQ(help.err, "");
    EXPECT_NE(help.out.find("--model"), std::string::npos);
  }
  EXPECT_NE(run(kSft, {"--help"}).out.find("responses"), std::string::npos);  // L11
}

TEST_F(TrainPrograms, AFinishedRunIsNotOverwrittenUnasked) {  // U04
  const auto arguments = sft("run") + Arguments{"--max-steps", "2"};
  const auto first = run(kSft, arguments);
  ASSERT_EQ(first.code, 0) << first.err;
  EXPECT_EQ(first.out, path("run/final") + "\n");
  EXPECT_NE(first.err.find("responses only: 54 targets"), std::string::npos) << first.err;  // L11
  const auto adapter = read_file(path("run/final/adapter_model.safetensors"));
  expect_refused(run(kSft, arguments), {path("run"), "--overwrite-output-dir", "--resume"});
  EXPECT_EQ(read_file(path("run/final/adapter_model.safetensors")), adapter);
  EXPECT_EQ(run(kSft, arguments + Arguments{"--overwrite-output-dir"}).code, 0);
  EXPECT_EQ(read_file(path("run/final/adapter_model.safetensors")), adapter);
  // The options that it keeps give the same run again.
  const auto again =
      run(kSft, {"--config", path("run/options.toml"), "--output-dir", path("again")});
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_EQ(read_file(path("again/final/adapter_model.safetensors")), adapter);
}

TEST_F(TrainPrograms, AMissingShardIsNamed) {  // F12, U03
  fs::remove(path("model/model.safetensors"));
  write_json(path("model/model.safetensors.index.json"),
             {{"weight_map",
               {{"model.norm.weight", "model-00001-of-00002.safetensors"},
                {"lm_head.weight", "model-00002-of-00002.safetensors"}}}});
  const float one = 1;
  const std::string_view bytes(reinterpret_cast<const char*>(&one), sizeof one);
  folder_.file("model/model-00001-of-00002.safetensors",
               std::string("\x40\0\0\0\0\0\0\0", 8) +
                   R"({"model.norm.weight":{"dtype":"F32","shape":[1],"data_offsets":[0,)" +
                   "4]}}" + std::string(bytes));
  for (const auto& outcome :
       {run(kSft, sft("x")), run(kGenerate, model() + Arguments{"--prompt", "a"})})
    expect_refused(outcome, {"model-00002-of-00002.safetensors"});
  EXPECT_FALSE(fs::exists(path("x")));
}

TEST_F(TrainPrograms, APadTokenOutsideTheVocabularyIsRefused) {  // P04
  auto config = read_json(path("model/config.json"));
  for (const int pad : {-1, kTinyRows}) {
    config["pad_token_id"] = pad;
    write_json(path("model/config.json"), config);
    expect_refused(run(kSft, sft("x")), {"pad_token_id", "outside 0..927"});
  }
  EXPECT_FALSE(fs::exists(path("x")));
}

TEST_F(TrainPrograms, RowsOfPaddingAreNeverGenerated) {  // P04
  const auto rows = folder_.file("prompts.jsonl", "{\"prompt\":\"a\"}\n{\"prompt\":\"lamp\"}\n");
  for (const char* temperature : {"0", "2"}) {
    const auto outcome =
        run(kGenerate, model() + Arguments{"--input", rows.string(), "--output",
                                           path("answers.jsonl"), "--max-new-tokens", "20",
                                           "--temperature", temperature, "--overwrite"});
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_EQ(count_lines(read_file(path("answers.jsonl"))), 2u);
  }
}

TEST_F(TrainPrograms, TheContextIsTheLimit) {  // G06; the tiny model's context is 64
  const std::string word = "[x]";
  std::string prompt;
  while (load_tokenizer(path("model")).encode(prompt + word).size() <= 62) prompt += word;
  const auto rows = folder_.file("prompts.jsonl", Json({{"prompt", prompt}}).dump() + "\n");
  const Arguments files = {"--input", rows.string(), "--output", path("answers.jsonl"), "--raw"};
  ASSERT_EQ(run(kGenerate, model() + files + Arguments{"--max-new-tokens", "10"}).code, 0);
  EXPECT_EQ(read_json(path("answers.jsonl"))["finish_reason"], "context_full");
  expect_refused(run(kGenerate, model() + Arguments{"--raw", "--prompt", prompt + prompt}),
                 {"no room in the model's context of 64"});
}

TEST_F(TrainPrograms, SamplingOptionsOutOfRangeAreRefused) {  // G04
  for (const char* temperature : {"-1", "nan", "inf"}) {
    expect_refused(
        run(kGenerate, model() + Arguments{"--prompt", "a", concat("--temperature=", temperature)}),
        {"temperature"});
  }
  expect_refused(run(kGenerate, model() + Arguments{"--prompt", "a", "--top-p", "1.5"}), {"top_p"});
  expect_refused(run(kGenerate, model() + Arguments{"--prompt", "a", "--max-new-tokens", "0"}),
                 {"max_new_tokens"});
}

TEST_F(TrainPrograms, AdaptersThatDoNotFitAreRefused) {  // A05, A07
  for (const char* name : {"A05_dora_no_magnitude", "A07_wrong_prefix"}) {
    const auto adapter = shared_path(std::string("cases/files/") + name);
    if (!adapter) continue;
    expect_refused(
        run(kGenerate, model() + Arguments{"--prompt", "a", "--adapter", adapter->string()}),
        {name});
  }
}

TEST_F(TrainPrograms, ARowLongerThanTheContextIsRefused) {
  std::vector<TokenizedRow> rows(1);
  rows[0].input_ids.assign(65, 300);
  rows[0].labels = rows[0].input_ids;
  rows[0].labels[0] = kIgnoredLabel;
  write_tokenized(path("train.tokens"), {.tokenizer = load_tokenizer(path("model")).hash()}, rows);
  expect_refused(run(kSft, sft("x")), {"train.tokens:2", "65", "64"});
  EXPECT_FALSE(fs::exists(path("x")));
}

TEST_F(TrainPrograms, RowsWithoutATargetAreCounted) {  // L04
  std::vector<TokenizedRow> rows = {{{300, 301, 302}, {kIgnoredLabel, 301, 302}},
                                    {{300, 301}, {kIgnoredLabel, kIgnoredLabel}}};
  const auto hash = load_tokenizer(path("model")).hash();
  write_tokenized(path("train.tokens"), {.tokenizer = hash}, rows);
  const auto outcome =
      run(kSft, sft("x") + Arguments{"--per-device-train-batch-size", "1", "--max-steps", "1"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_NE(outcome.err.find("1 rows without a target"), std::string::npos) << outcome.err;
  EXPECT_EQ(outcome.err.find("nan"), std::string::npos);
  rows.erase(rows.begin());
  write_tokenized(path("train.tokens"), {.tokenizer = hash}, rows);
  expect_refused(run(kSft, sft("y")), {"train.tokens", "no trainable tokens"});
  EXPECT_FALSE(fs::exists(path("y")));
}

TEST_F(TrainPrograms, AFullDiskKeepsTheOlderCheckpoint) {  // K02
  const auto arguments = sft("run") + Arguments{"--save-steps", "1", "--save-total-limit", "0"};
  ASSERT_EQ(run(kSft, arguments + Arguments{"--max-steps", "1"}).code, 0);
  const auto state = read_file(path("run/step_1/state.safetensors"));
  fs::remove_all(path("run"));
  // Full from the first checkpoint on: nothing may stand under a final name.
  const auto full =
      run(kSft, arguments, {.max_file_bytes = static_cast<std::int64_t>(state.size() / 2)});
  EXPECT_NE(full.code, 0);
  EXPECT_NE(full.err.find(path("run/")), std::string::npos) << full.err;
  EXPECT_NE(full.err.find("File too large"), std::string::npos) << full.err;
  for (const auto& entry : fs::directory_iterator(path("run"))) {
    const auto name = entry.path().filename();
    EXPECT_TRUE(name == "metrics.jsonl" || name == "options.toml") << "left behind: " << name;
  }
  // Full later: the checkpoint that is there stays as it is, and the run goes on from it.
  fs::remove_all(path("run"));
  fs::create_directory(path("run"));
  ASSERT_EQ(run(kSft, arguments).code, 0);
  for (const char* name : {"final", "step_2"}) fs::remove_all(folder_ / "run" / name);
  const auto older = read_file(path("run/step_1/state.safetensors"));
  const auto again = run(kSft, arguments + Arguments{"--resume"},
                         {.max_file_bytes = static_cast<std::int64_t>(state.size() / 2)});
  EXPECT_NE(again.code, 0);
  EXPECT_FALSE(fs::exists(path("run/step_2")));
  EXPECT_EQ(read_file(path("run/step_1/state.safetensors")), older);
  EXPECT_EQ(run(kSft, arguments + Arguments{"--resume"}).code, 0);
}

TEST_F(TrainPrograms, MergedAnswersAsAdapted) {
  ASSERT_EQ(
      run(kSft, sft("run") + Arguments{"--learning-rate", "1e-2", "--target-modules", "all-linear"})
          .code,
      0);
  const Arguments adapter = {"--adapter", path("run/final")};
  const Arguments ask = {"--prompt", "lamp", "--max-new-tokens", "20"};
  const auto adapted = run(kGenerate, model() + adapter + ask);
  ASSERT_EQ(adapted.code, 0) << adapted.err;
  const auto merged = run(kMerge, model() + adapter + Arguments{"--output", path("merged")});
  ASSERT_EQ(merged.code, 0) << merged.err;
  expect_refused(run(kMerge, model() + adapter + Arguments{"--output", path("merged")}),
                 {path("merged"), "--overwrite"});
  EXPECT_EQ(run(kGenerate, Arguments{"--model", path("merged")} + ask).out, adapted.out);
  EXPECT_NE(run(kGenerate, model() + ask).out, adapted.out);
}

TEST_F(TrainPrograms, AnExportedModelAnswersAsItsFolder) {
  const Arguments ask = {"--prompt", "lamp", "--max-new-tokens", "20"};
  const auto wanted = run(kGenerate, model() + ask);
  ASSERT_EQ(wanted.code, 0) << wanted.err;
  const auto file = path("model.gguf");
  const auto written = run(kExport, model() + Arguments{"--output", file, "--type", "f32"});
  ASSERT_EQ(written.code, 0) << written.err;
  EXPECT_EQ(run(kGenerate, Arguments{"--model", file} + ask).out, wanted.out);
  expect_refused(run(kExport, model() + Arguments{"--output", file}), {file, "--overwrite"});
  expect_refused(run(kExport, model() + Arguments{"--output", path("x"), "--type", "q4_k"}),
                 {"--type"});
  EXPECT_FALSE(fs::exists(path("x")));
}

TEST_F(TrainPrograms, AChatAnswersEachLine) {
  const auto outcome = run(kChatProgram, model() + Arguments{"--max-new-tokens", "3"},
                           {.input = "lamp\n/undo\n/system Be kind.\nlamp\n/exit\n"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_GE(count_lines(outcome.out), 2u);
}

/// The lines of metrics.jsonl.
std::vector<std::string> metrics_of(const std::string& run_folder) {
  std::vector<std::string> lines;
  for_each_line(run_folder + "/metrics.jsonl",
                [&](std::string_view line, const std::string&) { lines.emplace_back(line); });
  return lines;
}

bool holds_checkpoint(const fs::path& folder) {
  if (!fs::exists(folder)) return false;
  return std::any_of(fs::directory_iterator(folder), fs::directory_iterator(),
                     [](const fs::directory_entry& entry) {
                       return entry.path().filename().string().starts_with("step_");
                     });
}

/// A name of its own: these take a minute and run apart.
using KilledRuns = TrainPrograms;

TEST_F(KilledRuns, FindACompleteCheckpointFiftyTimes) {  // K01
  const Arguments endless = {"--num-train-epochs",
                             "100000",
                             "--lora-dropout",
                             "0.1",
                             "--gradient-accumulation-steps",
                             "2",
                             "--per-device-train-batch-size",
                             "2"};
  const Arguments saving = endless + Arguments{"--save-steps", "1"};
  std::minstd_rand random(7);
  int resumed = 0;
  for (int kill = 0; kill < 50; ++kill) {
    const bool resume = holds_checkpoint(path("run"));
    const auto outcome =
        run(kSft, sft("run") + saving + Arguments{resume ? "--resume" : "--overwrite-output-dir"},
            {.signal_after_ms = 150 + static_cast<int>(random() % 600), .signal = SIGKILL});
    ASSERT_EQ(outcome.code, 128 + SIGKILL) << outcome.err;
    resumed += resume ? 1 : 0;
  }
  EXPECT_GE(resumed, 25) << "killed too early to say anything";
  const RunOptions stop_later = {.signal_after_ms = 4000};
  const auto last = run(kSft, sft("run") + saving + Arguments{"--resume"}, stop_later);
  EXPECT_EQ(last.code, 130) << last.err;
  for (const auto& entry : fs::directory_iterator(path("run"))) {
    const auto name = entry.path().filename().string();
    EXPECT_TRUE(name == "metrics.jsonl" || name == "options.toml" || name.starts_with("step_"))
        << "left behind: " << name;
  }
  // What the killed runs did together is what one run does.
  EXPECT_EQ(run(kSft, sft("whole") + endless, stop_later).code, 130);
  auto together = metrics_of(path("run"));
  auto whole = metrics_of(path("whole"));
  const auto steps = std::min(together.size(), whole.size());
  EXPECT_GE(steps, 50u);
  together.resize(steps);
  whole.resize(steps);
  EXPECT_EQ(together, whole);
}

}  // namespace
}  // namespace hone::testing
