// bench-packed-linear: what a layer over a packed matrix costs, against the same layer in fp32.
#include <algorithm>
#include <chrono>
#include <functional>
#include <iostream>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/types.h>

#include <nlohmann/json.hpp>

#include <hone/base/json_io.h>
#include <hone/format/quantize.h>
#include <hone/kernels/packed_linear.h>
#include <hone/model/packed_weights.h>

#include "program.h"

namespace {

using namespace hone;

struct Options {
  std::int64_t in = 576;
  std::int64_t out = 1536;
  std::vector<std::int64_t> tokens = {1, 8, 512};
  std::vector<std::string> types = {"Q4_0", "Q8_0", "NF4", "INT8"};
  int layers = 30;
  int passes = 9;
};

PackedPointer pack(const at::Tensor& weight, const std::string& type) {
  if (type == "NF4") return pack_nf4(weight);
  if (type == "INT8") return pack_int8(weight);
  const auto ggml = type == "Q4_0" ? GgmlType::Q4_0 : GgmlType::Q8_0;
  const auto blocks = std::make_shared<std::string>(
      quantize(ggml, {weight.const_data_ptr<float>(), static_cast<std::size_t>(weight.numel())}));
  return pack_gguf({"w", ggml, {weight.size(1), weight.size(0)}, *blocks}, blocks);
}

/// Microseconds for a layer, when all `layers` are gone through.
double time_a_layer(int layers, const std::function<void(int)>& work) {
  const auto start = std::chrono::steady_clock::now();
  for (int layer = 0; layer < layers; ++layer) work(layer);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  return seconds.count() * 1e6 / layers;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

/// As many matrices as a model has, so that they do not stay in the cache.
struct Layers {
  std::vector<at::Tensor> dense;
  std::vector<PackedPointer> packed;
};

Json compare(const Layers& layers, std::int64_t tokens, const Options& options) {
  const auto x = at::randn({tokens, options.in}), gradient = at::randn({tokens, options.out});
  const auto at_layer = [](int i) { return static_cast<std::size_t>(i); };
  const std::vector<std::function<void(int)>> works = {
      [&](int i) { at::linear(x, layers.dense[at_layer(i)]); },
      [&](int i) { kernels::packed_linear(x, layers.packed[at_layer(i)], {}); },
      [&](int i) { at::mm(gradient, layers.dense[at_layer(i)]); },
      [&](int i) { kernels::packed_product_transposed(gradient, *layers.packed[at_layer(i)]); }};
  std::vector<std::vector<double>> times(works.size());
  for (int pass = 0; pass <= options.passes; ++pass) {
    for (std::size_t i = 0; i < works.size(); ++i) {
      const double time = time_a_layer(options.layers, works[i]);
      if (pass > 0) times[i].push_back(time);  // the first only warms up
    }
  }
  Json line = Json::object();
  line["dense_us"] = median(times[0]);
  line["packed_us"] = median(times[1]);
  line["packed_over_dense"] = median(times[1]) / median(times[0]);
  line["dense_gradient_us"] = median(times[2]);
  line["packed_gradient_us"] = median(times[3]);
  line["gradient_packed_over_dense"] = median(times[3]) / median(times[2]);
  return line;
}

int measure(const Options& options) {
  torch::NoGradGuard no_grad;
  for (const auto& type : options.types) {
    Layers layers;
    for (int i = 0; i < options.layers; ++i) {
      layers.dense.push_back(at::randn({options.out, options.in}));
      layers.packed.push_back(pack(layers.dense.back(), type));
    }
    for (const auto tokens : options.tokens) {
      Json line = {{"type", type}, {"tokens", tokens}, {"threads", at::get_num_threads()}};
      line.update(compare(layers, tokens, options));
      std::cout << to_json_line(line) << '\n';
    }
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app(
      "Time a layer over a packed matrix against the same in fp32, interleaved; medians, one JSON "
      "line for each type and number of tokens.",
      "bench-packed-linear");
  app.add_option("--in", options.in, "columns of the matrix")->capture_default_str();
  app.add_option("--out", options.out, "rows of the matrix")->capture_default_str();
  app.add_option("--tokens", options.tokens, "rows of the input")->capture_default_str();
  app.add_option("--types", options.types, "forms: Q4_0, Q8_0, NF4, INT8")
      ->check(CLI::IsMember({"Q4_0", "Q8_0", "NF4", "INT8"}))
      ->capture_default_str();
  app.add_option("--layers", options.layers, "matrices gone through")->capture_default_str();
  app.add_option("--passes", options.passes, "timings of each kind")->capture_default_str();
  return recipes::run_program(app, argc, argv, [&] { return measure(options); });
}
