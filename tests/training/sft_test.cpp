#include <algorithm>
#include <cmath>
#include <fstream>

#include <ATen/ATen.h>
#include <torch/types.h>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <hone/base/error.h>
#include <hone/base/files.h>
#include <hone/base/row_source.h>
#include <hone/model/peft.h>
#include <hone/model/pretrained.h>
#include <hone/training/sft.h>

#include "base/temporary_folder.h"
#include "shared_data.h"
#include "tensor_compare.h"

namespace hone {
namespace {

namespace fs = std::filesystem;
using testing::fixture_path;
using testing::relative_difference;
using testing::same_bits;
using testing::TemporaryFolder;

CausalLM base_model() {
  return load_pretrained(fixture_path("models/llama"));
}

CausalLM lora_model(const LoraConfig& config = {}) {
  torch::manual_seed(3);
  auto model = base_model();
  attach(model, config);
  return model;
}

/// `count` rows of 4 to 11 tokens, the first three of each without a label.
std::vector<TokenizedRow> some_rows(std::int64_t count) {
  std::vector<TokenizedRow> rows;
  for (std::int64_t i = 0; i < count; ++i) {
    TokenizedRow row;
    for (std::int32_t t = 0; t < 4 + (5 * i) % 8; ++t) {
      row.input_ids.push_back(static_cast<std::int32_t>(3 + (7 * i + 11 * t) % 90));
      row.labels.push_back(t < 3 ? kIgnoredLabel : row.input_ids.back());
    }
    rows.push_back(row);
  }
  return rows;
}

std::vector<const TokenizedRow*> pointers(const std::vector<TokenizedRow>& rows) {
  std::vector<const TokenizedRow*> all;
  for (const auto& row : rows) all.push_back(&row);
  return all;
}

std::vector<Tensor> trained_values(const CausalLM& model) {
  std::vector<Tensor> values;
  for (const auto& [name, parameter] : trainable_parameters(model))
    values.push_back(parameter.detach().clone());
  return values;
}

SftConfig plain(double rate = 1e-2) {
  return {.optimization = {.learning_rate = rate,
                           .schedule = {.lr_scheduler_type = "constant", .warmup_ratio = 0}}};
}

/// A recorded run of PyTorch: the same batch ten times.
void expect_recorded_run(CausalLM model, const std::string& name) {
  const auto run = read_json(fixture_path("models/training/" + name));
  std::vector<TokenizedRow> rows;
  for (std::size_t i = 0; i < run["input_ids"].size(); ++i) {
    TokenizedRow row;
    for (std::size_t t = 0; t < run["input_ids"][i].size(); ++t) {
      if (run["attention_mask"][i][t] == 0) continue;
      row.input_ids.push_back(run["input_ids"][i][t]);
      row.labels.push_back(run["labels"][i][t]);
    }
    rows.push_back(row);
  }
  auto config = plain(run["learning_rate"]);
  config.optimization.weight_decay = run["weight_decay"];
  config.max_steps = 10;
  SftTrainer trainer(model, config, static_cast<std::int64_t>(rows.size()));
  for (std::size_t step = 0; step < 10; ++step) {
    const auto report = trainer.step(pointers(rows));
    const double wanted = run["losses"][step];
    const double norm = run["grad_norms"][step];
    // AdamW divides by the root of tiny second moments, so rounding grows from step to step.
    EXPECT_NEAR(report.loss / wanted, 1, step == 0 ? 2e-6 : 1e-4) << name << " step " << step;
    EXPECT_NEAR(report.grad_norm / norm, 1, step == 0 ? 2e-6 : 1e-3) << name << " step " << step;
  }
}

TEST(SftTrainer, FollowsARecordedLoraRun) {
  auto model = base_model();
  load_adapter(model, fixture_path("models/training/lora_start"));
  expect_recorded_run(model, "lora.json");
}

TEST(SftTrainer, FollowsARecordedFullRun) {
  auto model = base_model();
  for (auto& parameter : model->parameters()) parameter.set_requires_grad(true);
  expect_recorded_run(model, "full.json");
}

TEST(SftTrainer, AccumulatesExactly) {
  const auto rows = some_rows(8);
  const auto gradients_of = [&](std::int64_t batch) {
    auto model = lora_model({.target_modules = {"all-linear"}});
    {
      torch::NoGradGuard no_grad;
      torch::manual_seed(8);
      for (auto& [name, parameter] : trainable_parameters(model)) parameter.normal_(0, 0.1);
    }
    // A rate this small leaves the weights alone: the norm and the loss tell what was accumulated.
    auto config = plain(1e-2);
    config.per_device_train_batch_size = batch;
    config.gradient_accumulation_steps = 8 / batch;
    SftTrainer trainer(model, config, 8);
    const auto report = trainer.step(pointers(rows));
    return std::tuple(report.loss, report.grad_norm, trained_values(model));
  };
  const auto [loss, norm, values] = gradients_of(8);
  for (const std::int64_t batch : {1, 2, 4}) {
    const auto [other_loss, other_norm, other_values] = gradients_of(batch);
    EXPECT_NEAR(other_loss / loss, 1, 1e-6);
    EXPECT_NEAR(other_norm / norm, 1, 1e-5);
  }
}

TEST(SftTrainer, DividesOnceByAllTargets) {
  // Micro-batches of 3 and 1 targets with given log-probabilities would give 1.569; here: the loss
  // of the update is the target-weighted mean of the losses of its rows.
  const auto rows = some_rows(5);
  auto config = plain();
  config.per_device_train_batch_size = 1;
  config.gradient_accumulation_steps = 5;
  double weighted = 0, targets = 0;
  for (const auto& row : rows) {
    SftTrainer trainer(lora_model(), config, 5);
    const auto report = trainer.step({&row});
    weighted += report.loss * static_cast<double>(report.targets);
    targets += static_cast<double>(report.targets);
  }
  SftTrainer trainer(lora_model(), config, 5);
  EXPECT_NEAR(trainer.step(pointers(rows)).loss, weighted / targets, 1e-6);
}

TEST(SftTrainer, SumsWhereTheLectureSums) {
  const auto rows = some_rows(3);
  auto config = plain();
  SftTrainer mean(lora_model(), config, 3);
  config.reduction = Reduction::kSum;
  SftTrainer sum(lora_model(), config, 3);
  const auto report = mean.step(pointers(rows));
  EXPECT_NEAR(sum.step(pointers(rows)).loss, report.loss * static_cast<double>(report.targets),
              1e-4);
}

TEST(SftTrainer, LearnsAndLeavesTheBaseAsItWas) {
  auto model = lora_model();
  std::map<std::string, Tensor> before;
  for (const auto& item : model->named_parameters()) {
    if (!item.value().requires_grad()) before[item.key()] = item.value().detach().clone();
  }
  const auto rows = some_rows(8);
  auto config = plain();
  config.max_steps = 30;
  SftTrainer trainer(model, config, 8);
  const double first = trainer.step(pointers(rows)).loss;
  double last = first;
  for (int step = 1; step < 30; ++step) last = trainer.step(pointers(rows)).loss;
  EXPECT_LT(last, 0.8 * first);
  for (const auto& [name, value] : before) {
    EXPECT_TRUE(same_bits(model->named_parameters()[name], value)) << name;
  }
}

TEST(SftTrainer, SkipsAnUpdateWithoutTargets) {
  auto model = lora_model();
  const TokenizedRow empty{.input_ids = {4, 5, 6}, .labels = {-100, -100, -100}};
  const auto before = trained_values(model);
  SftTrainer trainer(model, plain(), 2);
  EXPECT_TRUE(trainer.step({&empty, &empty}).skipped);
  EXPECT_EQ(trainer.optimization().steps(), 0);
  const auto after = trained_values(model);
  for (std::size_t i = 0; i < before.size(); ++i) EXPECT_TRUE(same_bits(before[i], after[i]));
  const auto rows = some_rows(1);
  const auto report = trainer.step({&empty, &rows[0]});
  EXPECT_TRUE(std::isfinite(report.loss));
}

TEST(SftTrainer, StopsAtALossThatIsNotANumber) {
  auto model = lora_model();
  {
    torch::NoGradGuard no_grad;
    model->model->embed_tokens->weight[50].fill_(std::nan(""));
  }
  const TokenizedRow bad{.input_ids = {4, 50, 6}, .labels = {-100, -100, 6}};
  const auto before = trained_values(model);
  SftTrainer trainer(model, plain(), 1);
  EXPECT_THROW(trainer.step({&bad}), Error);
  const auto after = trained_values(model);
  for (std::size_t i = 0; i < before.size(); ++i) EXPECT_TRUE(same_bits(before[i], after[i]));
  EXPECT_EQ(trainer.optimization().steps(), 0);
}

TEST(SftTrainer, NamesTheRowsOfALossThatIsNotANumberAndKeepsTheLastCheckpoint) {
  const TemporaryFolder scratch;
  auto rows = some_rows(6);
  auto model = lora_model();
  {
    torch::NoGradGuard no_grad;
    model->model->embed_tokens->weight[94].fill_(std::nan(""));
  }
  rows[2].input_ids[1] = 94;
  auto config = plain();
  config.per_device_train_batch_size = 1;
  SftTrainer trainer(model, config, 6);
  hone::Run run({.output_dir = scratch / "run", .save_steps = 1, .save_total_limit = 0}, nullptr,
                false, {});
  try {
    trainer.train(rows, {}, run, {},
                  [](const fs::path& target) { fs::create_directories(target); });
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("computed from rows 3"), std::string::npos)
        << error.what();
  }
  EXPECT_EQ(static_cast<std::int64_t>(list_checkpoints(scratch / "run").size()),
            trainer.optimization().steps());
  EXPECT_FALSE(fs::exists(scratch / "run" / "final"));
}

TEST(SftTrainer, CheckpointingChangesNothing) {
  const auto rows = some_rows(6);
  std::vector<const TokenizedRow*> batch;
  for (const auto& row : rows) batch.push_back(&row);
  std::vector<std::vector<double>> losses;
  for (const bool checkpointing : {false, true}) {
    auto config = plain();
    config.gradient_checkpointing = checkpointing;
    torch::manual_seed(2);
    SftTrainer trainer(lora_model({.lora_dropout = 0.3, .target_modules = {"all-linear"}}), config,
                       6);
    losses.emplace_back();
    for (int step = 0; step < 4; ++step) losses.back().push_back(trainer.step(batch).loss);
  }
  for (std::size_t step = 0; step < 4; ++step)
    EXPECT_NEAR(losses[1][step], losses[0][step], 1e-6) << step;
  EXPECT_NE(losses[0][0], losses[0][3]);
}

TEST(SftTrainer, AddsNoiseWhileItTrainsAlone) {
  const auto rows = some_rows(6);
  auto config = plain();
  config.neftune_noise_alpha = 10;
  auto model = lora_model();
  const auto batch = pointers(rows);
  SftTrainer noisy(model, config, 6);
  const double held_out = mean_loss(model, rows, 3);
  auto quiet = lora_model();
  EXPECT_EQ(mean_loss(quiet, rows, 3), held_out);
  const double plain_loss = SftTrainer(quiet, plain(), 6).step(batch).loss;
  const double loss = noisy.step(batch).loss;
  EXPECT_GT(std::abs(loss - plain_loss), 1e-3);
  EXPECT_NEAR(loss, SftTrainer(lora_model(), config, 6).step(batch).loss, 0) << "same seed";
  config.neftune_noise_alpha = -1;
  EXPECT_THROW(validate(config), std::invalid_argument);
}

TEST(MeanLoss, IsTheTokenMeanWithoutDropout) {
  const auto rows = some_rows(5);
  auto model = lora_model({.lora_dropout = 0.5});
  {
    torch::NoGradGuard no_grad;
    for (auto& [name, parameter] : trainable_parameters(model)) parameter.normal_(0, 0.1);
  }
  model->train();
  const double together = mean_loss(model, rows, 16);
  EXPECT_NEAR(mean_loss(model, rows, 1), together, 1e-6);
  double sum = 0, targets = 0;
  for (const auto& row : rows) {
    sum += mean_loss(model, {row}, 1) * static_cast<double>(count_trained(row));
    targets += static_cast<double>(count_trained(row));
  }
  EXPECT_NEAR(sum / targets, together, 1e-6);
}

// ---- whole runs ----

struct Interrupted {
  std::vector<double> losses;
  std::vector<Tensor> weights;
};

SftConfig run_config() {
  auto config = plain();
  config.num_train_epochs = 3;
  config.per_device_train_batch_size = 2;
  config.gradient_accumulation_steps = 2;
  config.seed = 5;
  config.optimization.schedule.lr_scheduler_type = "cosine";
  return config;
}

/// Runs over `folder`, asked to stop after `stop_after` updates (0: never).
Interrupted run_once(const fs::path& folder,
                     std::int64_t stop_after,
                     bool resume,
                     bool full = false) {
  const auto rows = some_rows(10);
  auto model = full ? base_model() : lora_model({.lora_dropout = 0.1});
  if (full) {
    for (auto& parameter : model->parameters()) parameter.set_requires_grad(true);
  }
  SftTrainer trainer(model, run_config(), 10);
  hone::Run run({.output_dir = folder, .resume = resume, .save_steps = 1, .save_total_limit = 0},
                nullptr, false,
                [&] { return stop_after > 0 && trainer.optimization().steps() >= stop_after; });
  const auto save = [&](const fs::path& target) {
    if (full) {
      save_pretrained(model, target);
    } else {
      save_adapter(model, LoraConfig{.lora_dropout = 0.1}, target, "models/llama");
    }
  };
  trainer.train(rows, some_rows(2), run, {{"rows", "10"}}, save);
  Interrupted result{.losses = {}, .weights = trained_values(model)};
  for_each_line(folder / "metrics.jsonl", [&](std::string_view line, const std::string& place) {
    const auto event = parse_json(line, place);
    if (event.contains("loss")) result.losses.push_back(event["loss"]);
  });
  return result;
}

class Resume : public ::testing::TestWithParam<bool> {};

TEST_P(Resume, GivesTheUninterruptedRunBitForBit) {
  const TemporaryFolder scratch;
  const auto whole = run_once(scratch / "whole", 0, false, GetParam());
  ASSERT_EQ(whole.losses.size(), 9u);
  // Mid-epoch, and at an epoch's end (10 rows are 3 updates).
  for (const std::int64_t stop : {2, 3, 7}) {
    const auto folder = scratch / concat("stop-", stop);
    run_once(folder, stop, false, GetParam());
    EXPECT_FALSE(fs::exists(folder / "final"));
    const auto resumed = run_once(folder, 0, true, GetParam());
    EXPECT_TRUE(fs::exists(folder / "final"));
    EXPECT_EQ(resumed.losses, whole.losses);
    for (std::size_t i = 0; i < whole.weights.size(); ++i) {
      EXPECT_TRUE(same_bits(resumed.weights[i], whole.weights[i]));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(LoraAndFull, Resume, ::testing::Bool());

/// Losses on held-out rows that a run logged, and its final weights as they were saved.
struct Judged {
  std::vector<double> eval_losses;
  std::string final_adapter;
};

/// Rows to learn and others to evaluate, at a rate that soon makes those worse.
Judged judged_run(const fs::path& folder, const RunConfig& asked, std::int64_t stop_after = 0) {
  auto config = run_config();
  config.num_train_epochs = 4;
  config.optimization.learning_rate = 0.05;
  auto model = lora_model();
  SftTrainer trainer(model, config, 10);
  auto run_config = asked;
  run_config.output_dir = folder;
  hone::Run run(run_config, nullptr, false,
                [&] { return stop_after > 0 && trainer.optimization().steps() >= stop_after; });
  const auto save = [&](const fs::path& target) {
    save_adapter(model, LoraConfig{}, target, "models/llama");
  };
  auto held_out = some_rows(14);
  held_out.erase(held_out.begin(), held_out.begin() + 10);
  trainer.train(some_rows(10), held_out, run, {{"rows", "10"}}, save);
  Judged result;
  for_each_line(folder / "metrics.jsonl", [&](std::string_view line, const std::string& place) {
    const auto event = parse_json(line, place);
    if (event.contains("eval_loss")) result.eval_losses.push_back(event["eval_loss"]);
  });
  const auto file = folder / "final" / "adapter_model.safetensors";
  if (fs::exists(file)) result.final_adapter = read_file(file);
  return result;
}

TEST(Run, StopsEarlyAndKeepsTheBestModel) {
  const TemporaryFolder scratch;
  const RunConfig plain_run{.eval_steps = 1};
  const auto whole = judged_run(scratch / "whole", plain_run);
  ASSERT_EQ(whole.eval_losses.size(), 12U);
  const auto best = std::min_element(whole.eval_losses.begin(), whole.eval_losses.end());
  const auto best_step = best - whole.eval_losses.begin() + 1;
  ASSERT_GT(best_step, 1) << "the case needs a model that gets better first";
  ASSERT_LT(best_step, 10) << "and worse then";

  auto patient = plain_run;
  patient.early_stopping_patience = 2;
  patient.load_best_model_at_end = true;
  patient.save_steps = 1;
  const auto stopped = judged_run(scratch / "stopped", patient);
  // The first place where two evaluations in a row are no better than the best before them.
  std::size_t since = 0, end = 0;
  for (double lowest = 1e9; end < whole.eval_losses.size() && since < 2; ++end) {
    since = whole.eval_losses[end] < lowest ? 0 : since + 1;
    lowest = std::min(lowest, whole.eval_losses[end]);
  }
  EXPECT_EQ(stopped.eval_losses,
            std::vector<double>(whole.eval_losses.begin(),
                                whole.eval_losses.begin() + static_cast<std::ptrdiff_t>(end)));
  EXPECT_LT(end, whole.eval_losses.size());
  EXPECT_EQ(stopped.final_adapter,
            read_file(scratch / "stopped" / "best" / "adapter_model.safetensors"));

  // The best model is that of its step.
  const auto lowest = std::min_element(stopped.eval_losses.begin(), stopped.eval_losses.end());
  const auto step = lowest - stopped.eval_losses.begin() + 1;
  const RunConfig until{.eval_steps = 1};
  judged_run(scratch / "until", until, step);
  EXPECT_EQ(read_file(scratch / "until" / concat("step_", step) / "adapter_model.safetensors"),
            stopped.final_adapter);
}

TEST(Run, ForgetsNoEvaluationWhereItIsResumed) {
  const TemporaryFolder scratch;
  const RunConfig patient{.save_total_limit = 0,
                          .eval_steps = 1,
                          .load_best_model_at_end = true,
                          .early_stopping_patience = 2};
  const auto whole = judged_run(scratch / "whole", patient);
  for (const std::int64_t stop : {1, 3}) {
    const auto folder = scratch / concat("stop_", stop);
    judged_run(folder, patient, stop);
    auto resumed_run = patient;
    resumed_run.resume = true;
    const auto resumed = judged_run(folder, resumed_run);
    EXPECT_EQ(resumed.eval_losses, whole.eval_losses);
    EXPECT_EQ(resumed.final_adapter, whole.final_adapter);
  }
}

TEST(Run, JudgesAnewWhereTheBestModelWasNotKept) {
  const TemporaryFolder scratch;
  const auto folder = scratch / "run";
  judged_run(folder, {.eval_steps = 1}, 5);  // the best is that of step 2
  const auto resumed =
      judged_run(folder, {.resume = true, .eval_steps = 1, .load_best_model_at_end = true});
  EXPECT_EQ(resumed.eval_losses.size(), 12U);
  EXPECT_EQ(resumed.final_adapter, read_file(folder / "best" / "adapter_model.safetensors"));
}

TEST(Run, NeedsRowsToJudgeBy) {
  const TemporaryFolder scratch;
  SftTrainer trainer(lora_model(), plain(), 2);
  hone::Run run({.output_dir = scratch / "run", .early_stopping_patience = 1}, nullptr, false, {});
  EXPECT_THROW(trainer.train(some_rows(2), {}, run, {}, [](const fs::path&) {}),
               std::invalid_argument);
}

TEST(Run, RefusesAFolderThatHoldsARun) {
  const TemporaryFolder scratch;
  run_once(scratch / "run", 2, false);
  const auto before = read_file(scratch / "run" / "metrics.jsonl");
  try {
    run_once(scratch / "run", 2, false);
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("--resume"), std::string::npos);
  }
  EXPECT_EQ(read_file(scratch / "run" / "metrics.jsonl"), before);
  EXPECT_THROW(run_once(scratch / "empty", 0, true), Error) << "nothing to resume from";
}

TEST(Run, FindsDamageInACheckpointAndNamesTheOlderOne) {
  const TemporaryFolder scratch;
  const auto folder = scratch / "run";
  run_once(folder, 3, false);
  const auto newest = folder / "step_3" / "state.safetensors";
  const auto bytes = read_file(newest);
  for (std::size_t at = 8; at < bytes.size(); at += bytes.size() / 4) {
    auto flipped = bytes;
    flipped[at] = static_cast<char>(flipped[at] ^ 0x10);
    write_file(newest, flipped);
    try {
      run_once(folder, 0, true);
      FAIL() << "byte " << at;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find("step_2"), std::string::npos) << error.what();
    }
  }
  fs::resize_file(newest, 100);
  EXPECT_THROW(run_once(folder, 0, true), Error);
  fs::remove_all(folder / "step_3");
  const auto resumed = run_once(folder, 0, true);
  EXPECT_EQ(resumed.losses, run_once(scratch / "whole", 0, false).losses);
}

TEST(Checkpoint, EveryTruncationAndFlippedByteIsRefused) {
  const TemporaryFolder scratch;
  auto model = lora_model({.r = 1, .target_modules = {"k_proj"}, .layers_to_transform = {0}});
  SftTrainer trainer(model, plain(), 10);
  trainer.step(pointers(some_rows(2)));
  save_checkpoint(scratch / "step_1", trainer.optimization(), {.steps = 1}, {});
  const auto path = scratch / "step_1" / "state.safetensors";
  const auto bytes = read_file(path);
  const auto before = trained_values(model);
  const auto refuses = [&](const std::string& changed) {
    std::ofstream(path, std::ios::binary) << changed;
    EXPECT_THROW(load_checkpoint(scratch / "step_1", trainer.optimization(), {}), Error);
  };
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    refuses(bytes.substr(0, at));
    auto flipped = bytes;
    flipped[at] = static_cast<char>(flipped[at] ^ (1 << (at % 8)));
    refuses(flipped);
  }
  const auto after = trained_values(model);
  for (std::size_t i = 0; i < before.size(); ++i) EXPECT_TRUE(same_bits(before[i], after[i]));
  std::ofstream(path, std::ios::binary) << bytes;
  EXPECT_EQ(load_checkpoint(scratch / "step_1", trainer.optimization(), {}).steps, 1);
}

TEST(Run, RefusesACheckpointOfAnotherRun) {
  const TemporaryFolder scratch;
  run_once(scratch / "run", 2, false);
  auto model = lora_model({.r = 4});
  SftTrainer trainer(model, run_config(), 10);
  try {
    load_checkpoint(scratch / "run" / "step_2", trainer.optimization(), {{"rows", "10"}});
    FAIL();
  } catch (const Error& error) {
    const std::string message = error.what();
    EXPECT_NE(
        message.find(
            "q_proj.adapters.default.lora_A.weight\" has shape [8, 32], this run needs [4, 32]"),
        std::string::npos)
        << message;
  }
  auto same = lora_model();
  SftTrainer other(same, run_config(), 10);
  EXPECT_THROW(load_checkpoint(scratch / "run" / "step_2", other.optimization(), {{"rows", "11"}}),
               Error);
}

TEST(Run, KeepsTheNewestCheckpointsAndRemovesLeftovers) {
  const TemporaryFolder scratch;
  const auto folder = scratch / "run";
  fs::create_directories(folder / ".step_9.tmp-123");
  const auto rows = some_rows(10);
  auto model = lora_model();
  SftTrainer trainer(model, run_config(), 10);
  hone::Run run({.output_dir = folder, .save_steps = 2, .save_total_limit = 2}, nullptr, false, {});
  trainer.train(rows, {}, run, {}, [](const fs::path& target) { fs::create_directories(target); });
  EXPECT_FALSE(fs::exists(folder / ".step_9.tmp-123"));
  const auto left = list_checkpoints(folder);
  ASSERT_EQ(left.size(), 2u);
  EXPECT_EQ(left[0].filename(), "step_6");
  EXPECT_EQ(left[1].filename(), "step_8");
}

TEST(SftConfig, RefusesWhatIsOutOfRange) {
  const auto bad = [](auto change) {
    SftConfig config;
    change(config);
    EXPECT_THROW(validate(config), std::invalid_argument);
  };
  bad([](SftConfig& c) { c.num_train_epochs = 0; });
  bad([](SftConfig& c) { c.per_device_train_batch_size = 0; });
  bad([](SftConfig& c) { c.gradient_accumulation_steps = 0; });
  bad([](SftConfig& c) { c.optimization.learning_rate = std::nan(""); });
  bad([](SftConfig& c) { c.optimization.weight_decay = -1; });
  bad([](SftConfig& c) { c.optimization.max_grad_norm = -1; });
}

}  // namespace
}  // namespace hone
