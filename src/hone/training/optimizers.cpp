#include <array>
#include <cmath>
#include <utility>

#include <ATen/ATen.h>

#include <hone/base/names.h>
#include <hone/training/adamw_8bit.h>
#include <hone/training/optimization.h>
#include <hone/training/optimizers.h>

namespace hone {
namespace {

constexpr std::int64_t kSmallest8Bit = 4096;  // numbers; smaller parameters keep fp32 moments

/// A tensor of a state: its name, shape and dtype.
struct StatePart {
  const char* name;
  std::vector<std::int64_t> shape;
  at::ScalarType dtype;
};

bool in_8_bits(const OptimizationConfig& config, const at::Tensor& parameter) {
  return config.optim == "adamw_8bit" && parameter.numel() >= kSmallest8Bit &&
         parameter.scalar_type() == at::kFloat;
}

std::vector<StatePart> state_parts(const OptimizationConfig& config, const at::Tensor& parameter) {
  const auto shape = parameter.sizes().vec();
  const auto dtype = parameter.scalar_type();
  if (in_8_bits(config, parameter)) {
    const auto count = parameter.numel(), blocks = moment_blocks(count);
    return {{"state1", {count}, at::kByte},
            {"absmax1", {blocks}, at::kFloat},
            {"state2", {count}, at::kByte},
            {"absmax2", {blocks}, at::kFloat}};
  }
  if (config.optim == "lion_32bit") return {{"exp_avg", shape, dtype}};
  if (config.optim == "sgd") {
    if (config.momentum == 0) return {};
    return {{"momentum_buffer", shape, dtype}};
  }
  if (config.optim != "adafactor") return {{"exp_avg", shape, dtype}, {"exp_avg_sq", shape, dtype}};
  if (shape.size() < 2) return {{"exp_avg_sq", shape, dtype}};
  auto rows = shape, columns = shape;
  rows.back() = 1;
  columns[columns.size() - 2] = 1;
  return {{"exp_avg_sq_row", rows, dtype}, {"exp_avg_sq_col", columns, dtype}};
}

void decay_weights(const ParameterUpdate& update) {
  if (update.decay == 0) return;
  auto parameter = update.parameter;
  parameter.mul_(1 - update.rate * update.decay);
}

/// One fused call for all parameters of the same rate and decay.
void update_adamw(const OptimizationConfig& config,
                  std::int64_t step,
                  const std::vector<ParameterUpdate>& updates) {
  struct Group {
    std::vector<at::Tensor> parameters, gradients, averages, squares, steps;
  };
  std::map<std::pair<double, double>, Group> groups;
  for (const auto& update : updates) {
    auto& group = groups[{update.rate, update.decay}];
    group.parameters.push_back(update.parameter);
    group.gradients.push_back(update.gradient);
    group.averages.push_back(update.state->at("exp_avg"));
    group.squares.push_back(update.state->at("exp_avg_sq"));
    group.steps.push_back(at::scalar_tensor(static_cast<double>(step), at::kFloat));
  }
  for (auto& [settings, group] : groups) {
    const auto [rate, decay] = settings;
    at::_fused_adamw_(group.parameters, group.gradients, group.averages, group.squares,
                      /*max_exp_avg_sqs=*/{}, group.steps, rate, config.adam_beta1,
                      config.adam_beta2, decay, config.adam_epsilon, /*amsgrad=*/false,
                      /*maximize=*/false);
  }
}

void update_adamw_8bit(const OptimizationConfig& config,
                       std::int64_t step,
                       const std::vector<ParameterUpdate>& updates) {
  std::vector<ParameterUpdate> in_fp32;
  for (const auto& update : updates) {
    if (!in_8_bits(config, update.parameter)) {
      in_fp32.push_back(update);
      continue;
    }
    adamw_8bit_update(update.parameter, update.gradient.contiguous(), *update.state,
                      {.rate = update.rate,
                       .decay = update.decay,
                       .beta1 = config.adam_beta1,
                       .beta2 = config.adam_beta2,
                       .epsilon = config.adam_epsilon,
                       .step = step});
  }
  update_adamw(config, step, in_fp32);
}

void update_lion(const OptimizationConfig& config,
                 std::int64_t,
                 const std::vector<ParameterUpdate>& updates) {
  for (const auto& update : updates) {
    decay_weights(update);
    auto& average = update.state->at("exp_avg");
    const auto direction =
        (average * config.adam_beta1 + update.gradient * (1 - config.adam_beta1)).sign_();
    auto parameter = update.parameter;
    parameter.add_(direction, -update.rate);
    average.mul_(config.adam_beta2).add_(update.gradient, 1 - config.adam_beta2);
  }
}

void update_sgd(const OptimizationConfig& config,
                std::int64_t,
                const std::vector<ParameterUpdate>& updates) {
  for (const auto& update : updates) {
    decay_weights(update);
    auto parameter = update.parameter;
    if (config.momentum == 0) {
      parameter.add_(update.gradient, -update.rate);
      continue;
    }
    auto& buffer = update.state->at("momentum_buffer");
    buffer.mul_(config.momentum).add_(update.gradient);
    parameter.add_(config.nesterov ? update.gradient.add(buffer, config.momentum) : buffer,
                   -update.rate);
  }
}

/// 1 / sqrt of the mean squares that the row and column means stand for, with a factor that makes
/// their total right (section 3 of the paper).
at::Tensor inverse_root(const at::Tensor& row, const at::Tensor& column) {
  return (row / row.mean(-2, /*keepdim=*/true)).rsqrt_() * column.rsqrt();
}

void update_adafactor(const OptimizationConfig&,
                      std::int64_t step,
                      const std::vector<ParameterUpdate>& updates) {
  constexpr double kDecayRate = -0.8, kSquareFloor = 1e-30;
  const double beta = 1 - std::pow(static_cast<double>(step), kDecayRate);
  const auto average = [&](at::Tensor& mean, const at::Tensor& now) {
    mean.mul_(beta).add_(now, 1 - beta);
  };
  for (const auto& update : updates) {
    auto& state = *update.state;
    const auto squares = update.gradient.square().add_(kSquareFloor);
    at::Tensor change;
    if (squares.dim() >= 2) {
      auto &row = state.at("exp_avg_sq_row"), &column = state.at("exp_avg_sq_col");
      average(row, squares.mean(-1, /*keepdim=*/true));
      average(column, squares.mean(-2, /*keepdim=*/true));
      change = inverse_root(row, column).mul_(update.gradient);
    } else {
      average(state.at("exp_avg_sq"), squares);
      change = state.at("exp_avg_sq").rsqrt().mul_(update.gradient);
    }
    change.div_(change.square().mean().sqrt().clamp_min(1));
    decay_weights(update);
    auto parameter = update.parameter;
    parameter.add_(change, -update.rate);
  }
}

using UpdateRule = void (*)(const OptimizationConfig&,
                            std::int64_t,
                            const std::vector<ParameterUpdate>&);

constexpr std::array<std::pair<const char*, UpdateRule>, 5> kRules = {{
    {"adamw_torch", update_adamw},
    {"adamw_8bit", update_adamw_8bit},
    {"lion_32bit", update_lion},
    {"sgd", update_sgd},
    {"adafactor", update_adafactor},
}};

}  // namespace

bool is_optimizer(const std::string& optim) {
  return find_named(optim, kRules) != nullptr;
}

std::string optimizer_names() {
  return joined(names_in(kRules));
}

OptimizerState start_state(const OptimizationConfig& config, const at::Tensor& parameter) {
  OptimizerState state;
  for (const auto& part : state_parts(config, parameter))
    state[part.name] = at::zeros(part.shape, parameter.options().dtype(part.dtype));
  return state;
}

std::int64_t state_bytes(const OptimizationConfig& config, const at::Tensor& parameter) {
  std::int64_t bytes = 0;
  for (const auto& part : state_parts(config, parameter)) {
    bytes += c10::multiply_integers(part.shape) *
             static_cast<std::int64_t>(c10::elementSize(part.dtype));
  }
  return bytes;
}

void update_parameters(const OptimizationConfig& config,
                       std::int64_t step,
                       const std::vector<ParameterUpdate>& updates) {
  const auto* rule = find_named(config.optim, kRules);
  TORCH_CHECK(rule != nullptr, "no optimiser ", config.optim);
  (*rule)(config, step, updates);
}

}  // namespace hone
