// bench-adapters: what switching among adapters costs, and a batch whose rows have different ones.
#include <algorithm>
#include <chrono>
#include <functional>
#include <iostream>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <torch/types.h>

#include <nlohmann/json.hpp>

#include <hone/base/json_io.h>
#include <hone/model/peft.h>
#include <hone/model/pretrained.h>

#include "program.h"

namespace {

using namespace hone;

struct Options {
  std::string model;
  int adapters = 100;
  int rows = 8;
  std::int64_t tokens = 64;
  int passes = 9;
};

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

/// Seconds of one switch, each to another adapter than before.
double time_of_switch(CausalLM& model, const std::vector<std::string>& names) {
  constexpr int kRounds = 100;
  const double seconds = seconds_of([&] {
    for (int round = 0; round < kRounds; ++round) {
      for (const auto& name : names) set_active(model, name);
    }
  });
  return seconds / (kRounds * static_cast<double>(names.size()));
}

/// Medians of one forward pass with an adapter for each row, and with one for all, interleaved.
std::pair<double, double> times_of_batch(CausalLM& model,
                                         const std::vector<std::string>& names,
                                         const Options& options) {
  const auto ids =
      at::randint(5, model->config.vocab_size, {options.rows, options.tokens}, at::kLong);
  const auto sequences = Sequences::from_padded(ids, {});
  const std::vector<std::string> chosen(names.begin(), names.begin() + options.rows);
  std::vector<double> mixed, single;
  for (int pass = 0; pass < options.passes; ++pass) {
    set_active(model, names.front());
    single.push_back(seconds_of([&] { model->hidden_states(sequences); }));
    set_active_rows(model, chosen);
    mixed.push_back(seconds_of([&] { model->hidden_states(sequences); }));
  }
  set_active(model, names.front());
  return {median(mixed), median(single)};
}

int measure(const Options& options) {
  torch::NoGradGuard no_grad;
  auto model = load_pretrained(options.model, {.dtype = at::kFloat});
  model->eval();
  std::vector<std::string> names;
  for (int i = 0; i < options.adapters; ++i) {
    names.push_back("a" + std::to_string(i));
    attach(model, LoraConfig{.r = 8}, names.back());
  }
  const double switching = time_of_switch(model, names);
  const auto [mixed, single] = times_of_batch(model, names, options);
  Json line = Json::object();
  line["adapters"] = options.adapters;
  line["switch_us"] = switching * 1e6;
  line["rows"] = options.rows;
  line["tokens_a_row"] = options.tokens;
  line["mixed_s"] = mixed;
  line["single_s"] = single;
  line["mixed_over_single"] = mixed / single;
  std::cout << to_json_line(line) << '\n';
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app(
      "Time switching among LoRA adapters (r 8, q and v), and a batch with one for each row.",
      "bench-adapters");
  app.add_option("--model", options.model, "base model: folder or .gguf")->required();
  app.add_option("--adapters", options.adapters, "adapters held")->capture_default_str();
  app.add_option("--rows", options.rows, "rows of the batch")->capture_default_str();
  app.add_option("--tokens", options.tokens, "tokens of a row")->capture_default_str();
  app.add_option("--passes", options.passes, "timings of each kind")->capture_default_str();
  return recipes::run_program(app, argc, argv, [&] { return measure(options); });
}
