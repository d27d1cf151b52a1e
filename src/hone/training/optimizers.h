// The update rules of the optimisers, parameter by parameter: what each keeps and what it does.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace hone {

struct OptimizationConfig;

/// What an optimiser keeps for one parameter, by its usual name (`exp_avg`, `momentum_buffer`).
using OptimizerState = std::map<std::string, at::Tensor>;

/// One parameter of an update.
struct ParameterUpdate {
  at::Tensor parameter;
  at::Tensor gradient;    ///< of the parameter's shape
  OptimizerState* state;  ///< as `start_state` made it, then as the last update left it
  double rate;            ///< learning rate
  double decay;           ///< decoupled weight decay: every rule begins with p <- p - rate decay p
};

/// Whether `optim` names one of the rules of `update_parameters`.
bool is_optimizer(const std::string& optim);

/// Those names, with commas between.
std::string optimizer_names();

/// The state before the first update, zeros.
OptimizerState start_state(const OptimizationConfig& config, const at::Tensor& parameter);

/// Bytes of `start_state`, without making it.
std::int64_t state_bytes(const OptimizationConfig& config, const at::Tensor& parameter);

/// Update number `step` (the first is 1) of `config.optim`, g being the gradient:
///
/// - `adamw_torch` (Loshchilov and Hutter 2017): m <- b1 m + (1 - b1) g, v <- b2 v + (1 - b2) g^2,
///   p <- p - rate (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps).
/// - `adamw_8bit` (Dettmers et al. 2021): the same with m and v in 8 bits, blocks of 256;
/// parameters
///   of fewer than 4096 numbers keep them in fp32. As bitsandbytes computes it.
/// - `lion_32bit` (Chen et al. 2023): p <- p - rate sign(b1 m + (1 - b1) g), m <- b2 m + (1 - b2)
/// g.
/// - `sgd`: m <- momentum m + g, p <- p - rate m, or with Nesterov's momentum p <- p - rate (g +
///   momentum m). As torch.optim.SGD, but with decoupled decay.
/// - `adafactor` (Shazeer and Stern 2018): a matrix keeps means of squared gradients for its rows
/// and
///   columns alone; the update is scaled down to a root mean square of 1. As transformers' Trainer
///   calls it, with relative_step and scale_parameter off.
void update_parameters(const OptimizationConfig& config,
                       std::int64_t step,
                       const std::vector<ParameterUpdate>& updates);

}  // namespace hone
