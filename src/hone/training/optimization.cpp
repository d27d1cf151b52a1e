#include <cmath>
#include <stdexcept>

#include <ATen/ATen.h>
#include <torch/types.h>

#include <hone/base/error.h>
#include <hone/training/optimization.h>

namespace hone {

void validate(const OptimizationConfig& config) {
  if (!is_optimizer(config.optim)) {
    throw std::invalid_argument("optim must be one of " + optimizer_names() + ", got " +
                                config.optim);
  }
  check_option(std::isfinite(config.learning_rate) && config.learning_rate > 0,
               "learning_rate must be positive");
  check_option(config.adam_beta1 >= 0 && config.adam_beta1 < 1, "adam_beta1 must be in [0, 1)");
  check_option(config.adam_beta2 >= 0 && config.adam_beta2 < 1, "adam_beta2 must be in [0, 1)");
  check_option(config.adam_epsilon > 0, "adam_epsilon must be positive");
  check_option(config.momentum >= 0 && config.momentum < 1, "momentum must be in [0, 1)");
  check_option(!config.nesterov || config.momentum > 0, "nesterov needs a momentum");
  check_option(config.weight_decay >= 0, "weight_decay must not be negative");
  check_option(std::isfinite(config.loraplus_lr_ratio) && config.loraplus_lr_ratio > 0,
               "loraplus_lr_ratio must be positive");
  check_option(config.max_grad_norm >= 0, "max_grad_norm must not be negative");
  validate(config.schedule);
}

Optimization::Optimization(Parameters parameters,
                           OptimizationConfig config,
                           std::int64_t total_steps)
    : parameters_(std::move(parameters)), config_(std::move(config)), total_steps_(total_steps) {
  validate(config_);
  TORCH_CHECK(!parameters_.empty(), "Optimization: no parameter requires a gradient");
  for (const auto& [name, parameter] : parameters_)
    states_.push_back(start_state(config_, parameter));
}

double Optimization::clip(const std::vector<at::Tensor>& gradients) const {
  // Summed in double: the norm does not depend on how many parameters there are.
  double squares = 0;
  for (const auto& norm : at::_foreach_norm(gradients)) squares += std::pow(norm.item<double>(), 2);
  const double norm = std::sqrt(squares);
  if (config_.max_grad_norm > 0 && norm > config_.max_grad_norm && std::isfinite(norm)) {
    auto scaled = gradients;
    at::_foreach_mul_(scaled, config_.max_grad_norm / (norm + 1e-6));
  }
  return norm;
}

Optimization::Report Optimization::step() {
  torch::NoGradGuard no_grad;
  const double rate =
      config_.learning_rate * learning_rate_factor(config_.schedule, steps_, total_steps_);
  std::vector<ParameterUpdate> updates;
  std::vector<at::Tensor> gradients;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const auto& [name, parameter] = parameters_[i];
    if (!parameter.grad().defined()) continue;
    const bool is_b = name.find(".lora_B.") != std::string::npos;  // may learn faster (LoRA+)
    updates.push_back({.parameter = parameter,
                       .gradient = parameter.grad(),
                       .state = &states_[i],
                       .rate = is_b ? rate * config_.loraplus_lr_ratio : rate,
                       .decay = parameter.dim() > 1 ? config_.weight_decay : 0});
    gradients.push_back(parameter.grad());
  }
  const Report report{.learning_rate = rate, .grad_norm = gradients.empty() ? 0 : clip(gradients)};
  if (!std::isfinite(report.grad_norm)) return report;
  update_parameters(config_, steps_ + 1, updates);
  ++steps_;
  zero_grad();
  return report;
}

void Optimization::zero_grad() {
  for (auto& [name, parameter] : parameters_) parameter.mutable_grad().reset();
}

std::map<std::string, at::Tensor> Optimization::state() const {
  std::map<std::string, at::Tensor> named;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    for (const auto& [part, tensor] : states_[i]) named[part + "." + parameters_[i].first] = tensor;
  }
  return named;
}

void Optimization::restore(const std::map<std::string, at::Tensor>& state, std::int64_t steps) {
  for (const auto& [name, tensor] : this->state()) tensor.copy_(state.at(name));
  steps_ = steps;
}

}  // namespace hone
