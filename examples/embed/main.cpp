// LoRA for a model that hone knows nothing of. A small network learns a function; then the function
// changes a little, and a low-rank adapter around one of its layers learns the change while every
// weight of the network stays as it was. At the end the adapter is folded into the layer, and the
// outputs are compared.

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <numbers>
#include <vector>

#include <torch/torch.h>

#include <hone/lora.h>

namespace {

constexpr int64_t kHidden = 64;
constexpr int64_t kRank = 4;

/// A network of the user's own: two torch::nn::Linear and tanh between them.
struct MlpImpl : torch::nn::Module {
  MlpImpl() {
    first = register_module("first", torch::nn::Linear(2, kHidden));
    second = register_module("second", torch::nn::Linear(kHidden, 1));
  }
  torch::Tensor forward(const torch::Tensor& x) { return second(torch::tanh(first(x))); }

  torch::nn::Linear first{nullptr}, second{nullptr};
};
TORCH_MODULE(Mlp);

/// The same network with an adapter around its first layer. It owns no weight of its own but the
/// adapter's.
struct AdaptedMlpImpl : torch::nn::Module {
  explicit AdaptedMlpImpl(const Mlp& base) : second(base->second) {
    first = register_module("first", hone::LoRALinear(base->first, hone::LoraConfig{.r = kRank}));
  }
  torch::Tensor forward(const torch::Tensor& x) { return second(torch::tanh(first(x))); }

  hone::LoRALinear first{nullptr};
  torch::nn::Linear second;
};
TORCH_MODULE(AdaptedMlp);

/// The surface to learn: a wave over the square, its direction turned by `turn` radians.
torch::Tensor wave(const torch::Tensor& points, double turn) {
  const torch::Tensor along =
      points.select(1, 0) * std::cos(turn) + points.select(1, 1) * std::sin(turn);
  return torch::sin(std::numbers::pi * along).unsqueeze(1);
}

/// Mean squared error of `model` on a grid of points that training never sees.
template <typename Model>
double held_out_loss(Model& model, double turn) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor axis = torch::linspace(-0.95, 0.95, 32);
  const torch::Tensor grid = torch::cartesian_prod({axis, axis});
  return torch::mse_loss(model(grid), wave(grid, turn)).template item<double>();
}

/// Trains `parameters` alone, on fresh random points at each step.
template <typename Model>
void train(Model& model, std::vector<torch::Tensor> parameters, double turn, int64_t steps) {
  torch::optim::Adam optimizer(std::move(parameters), torch::optim::AdamOptions(1e-2));
  for (int64_t step = 0; step < steps; ++step) {
    const torch::Tensor points = torch::rand({256, 2}) * 2 - 1;
    optimizer.zero_grad();
    torch::mse_loss(model(points), wave(points, turn)).backward();
    optimizer.step();
  }
}

void run() {
  constexpr double kOldTurn = 0.0, kNewTurn = 0.6;
  torch::manual_seed(1);

  Mlp base;
  train(base, base->parameters(), kOldTurn, 800);
  std::printf("base network, old task:  loss %.5f\n", held_out_loss(base, kOldTurn));
  for (torch::Tensor& weight : base->parameters()) weight.requires_grad_(false);

  AdaptedMlp adapted(base);
  const torch::Tensor frozen = base->first->weight.clone();
  std::printf("adapter of rank %lld, new task:\n", static_cast<long long>(kRank));
  std::printf("  before training:       loss %.5f\n", held_out_loss(adapted, kNewTurn));
  train(adapted, adapted->first->adapter_parameters(), kNewTurn, 800);
  std::printf("  after training:        loss %.5f\n", held_out_loss(adapted, kNewTurn));
  std::printf("base weights changed:    %s\n", base->first->weight.equal(frozen) ? "no" : "yes");

  const torch::NoGradGuard no_grad;
  const torch::Tensor points = torch::rand({1000, 2}) * 2 - 1;
  const torch::Tensor unmerged = adapted(points);
  adapted->first->merge();
  const torch::Tensor merged = adapted(points);
  std::printf("merged against unmerged: max difference %.1e\n",
              (merged - unmerged).abs().max().item<double>());
}

}  // namespace

int main() {
  try {
    run();
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "embed: %s\n", error.what());
    return 1;
  }
}
