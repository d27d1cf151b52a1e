// LoRA on a model whose code cannot change. A small convolutional network reads the characters of a
// line and tells code from prose; it was trained on C++ alone. CMake, shell and Python confuse it.
// `hone::parametrize` puts a low-rank update on its convolutions, from the outside, and learns
// those too; the network's own weights stay as they were.

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <torch/torch.h>

#include <hone/parametrize.h>

namespace {

constexpr int64_t kCharacters = 40;  // of a line
constexpr int64_t kAlphabet = 128;

/// Somebody's network: nothing in it knows of adapters.
struct LineReaderImpl : torch::nn::Module {
  LineReaderImpl() {
    letters = register_module("letters", torch::nn::Embedding(kAlphabet, 16));
    first = register_module("first", torch::nn::Conv1d(torch::nn::Conv1dOptions(16, 32, 3)));
    second = register_module("second", torch::nn::Conv1d(torch::nn::Conv1dOptions(32, 32, 3)));
    decide = register_module("decide", torch::nn::Linear(32, 2));
  }
  /// `ids`: [lines, characters]. Returns scores of prose and code, [lines, 2].
  torch::Tensor forward(const torch::Tensor& ids) {
    const auto x = letters(ids).transpose(1, 2);
    const auto seen = torch::relu(second(torch::relu(first(x))));
    return decide(std::get<0>(seen.max(2)));
  }
  torch::nn::Embedding letters{nullptr};
  torch::nn::Conv1d first{nullptr}, second{nullptr};
  torch::nn::Linear decide{nullptr};
};
TORCH_MODULE(LineReader);

struct Lines {
  torch::Tensor ids, labels;  // [lines, characters], [lines]
};

/// Lines of the kinds `prose` and `code_kind`: every fourth is held out, the others are for
/// training.
Lines read_lines(const std::string& path, const std::string& code_kind, bool held_out) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error(path + ": cannot open");
  std::vector<int64_t> ids, labels;
  int64_t number = 0;
  for (std::string line; std::getline(file, line); ++number) {
    const auto tab = line.find('\t');
    const auto kind = line.substr(0, tab);
    if ((kind != "prose" && kind != code_kind) || (number % 4 == 0) != held_out) continue;
    labels.push_back(kind == "prose" ? 0 : 1);
    for (int64_t at = 0; at < kCharacters; ++at) {
      const auto from = tab + 1 + static_cast<std::size_t>(at);
      ids.push_back(from < line.size() ? line[from] & 127 : 0);
    }
  }
  return {torch::tensor(ids).view({-1, kCharacters}), torch::tensor(labels)};
}

template <typename Scores>
void train(const Lines& lines, std::vector<torch::Tensor> parameters, const Scores& scores) {
  torch::optim::Adam optimizer(std::move(parameters), torch::optim::AdamOptions(3e-3));
  for (int step = 0; step < 60; ++step) {
    optimizer.zero_grad();
    torch::cross_entropy_loss(scores(lines.ids), lines.labels).backward();
    optimizer.step();
  }
}

template <typename Scores>
double accuracy(const Lines& lines, const Scores& scores) {
  const torch::NoGradGuard no_grad;
  return scores(lines.ids)
      .argmax(1)
      .eq(lines.labels)
      .to(torch::kDouble)
      .mean()
      .template item<double>();
}

void run(const std::string& path) {
  torch::manual_seed(2);
  LineReader reader;
  const auto plain = [&](const torch::Tensor& ids) { return reader(ids); };
  train(read_lines(path, "cpp", false), reader->parameters(), plain);
  const auto script = read_lines(path, "script", true);
  std::printf("held-out lines, C++ or prose:    %.1f %% right\n",
              100 * accuracy(read_lines(path, "cpp", true), plain));
  std::printf("held-out lines, script or prose: %.1f %% right\n", 100 * accuracy(script, plain));

  auto adapter = hone::parametrize(*reader, {"first", "second"}, {.r = 4, .lora_alpha = 8});
  const auto adapted = [&](const torch::Tensor& ids) {
    return adapter->with_weights([&] { return reader(ids); });
  };
  train(read_lines(path, "script", false), adapter->parameters(), adapted);
  std::printf("with the adapter:                %.1f %% right\n", 100 * accuracy(script, adapted));
  std::printf("without it, as before:           %.1f %% right\n", 100 * accuracy(script, plain));
  const auto before = adapted(script.ids);
  adapter->merge();
  std::printf("merged against unmerged: max difference %.1e\n",
              (plain(script.ids) - before).abs().max().item<double>());
}

}  // namespace

int main(int argc, char** argv) {
  try {
    run(argc > 1 ? argv[1] : "lines.tsv");
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "convolution: %s\n", error.what());
    return 1;
  }
}
