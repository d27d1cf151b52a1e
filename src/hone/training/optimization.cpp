#include <cmath>

#include <ATen/ATen.h>
#include <torch/types.h>

#include <hone/base/error.h>
#include <hone/training/optimization.h>

namespace hone {

void validate(const OptimizationConfig& config) {
  check_option(std::isfinite(config.learning_rate) && config.learning_rate > 0,
               "learning_rate must be positive");
  check_option(config.adam_beta1 >= 0 && config.adam_beta1 < 1, "adam_beta1 must be in [0, 1)");
  check_option(config.adam_beta2 >= 0 && config.adam_beta2 < 1, "adam_beta2 must be in [0, 1)");
  check_option(config.adam_epsilon > 0, "adam_epsilon must be positive");
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
  for (const auto& [name, parameter] : parameters_) {
    averages_.push_back(at::zeros_like(parameter).detach());
    squares_.push_back(at::zeros_like(parameter).detach());
  }
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
  // One fused update for each weight decay and learning rate: matrices decay and vectors do not,
  // and each lora_B may learn faster (LoRA+).
  struct Group {
    std::vector<at::Tensor> parameters, gradients, averages, squares, steps;
  };
  std::map<std::pair<double, double>, Group> groups;
  std::vector<at::Tensor> gradients;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const auto& [name, parameter] = parameters_[i];
    if (!parameter.grad().defined()) continue;
    const double decay = parameter.dim() > 1 ? config_.weight_decay : 0;
    const bool is_b = name.find(".lora_B.") != std::string::npos;
    auto& group = groups[{decay, is_b ? rate * config_.loraplus_lr_ratio : rate}];
    group.parameters.push_back(parameter);
    group.gradients.push_back(parameter.grad());
    group.averages.push_back(averages_[i]);
    group.squares.push_back(squares_[i]);
    group.steps.push_back(at::scalar_tensor(static_cast<double>(steps_ + 1), at::kFloat));
    gradients.push_back(parameter.grad());
  }
  const Report report{.learning_rate = rate, .grad_norm = gradients.empty() ? 0 : clip(gradients)};
  if (!std::isfinite(report.grad_norm)) return report;
  for (auto& [settings, group] : groups) {
    const auto [decay, own_rate] = settings;
    at::_fused_adamw_(group.parameters, group.gradients, group.averages, group.squares,
                      /*max_exp_avg_sqs=*/{}, group.steps, own_rate, config_.adam_beta1,
                      config_.adam_beta2, decay, config_.adam_epsilon,
                      /*amsgrad=*/false,
                      /*maximize=*/false);
  }
  ++steps_;
  zero_grad();
  return report;
}

void Optimization::zero_grad() {
  for (auto& [name, parameter] : parameters_) parameter.mutable_grad().reset();
}

std::map<std::string, at::Tensor> Optimization::moments() const {
  std::map<std::string, at::Tensor> named;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    named["exp_avg." + parameters_[i].first] = averages_[i];
    named["exp_avg_sq." + parameters_[i].first] = squares_[i];
  }
  return named;
}

void Optimization::restore(const std::map<std::string, at::Tensor>& moments, std::int64_t steps) {
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    averages_[i].copy_(moments.at("exp_avg." + parameters_[i].first));
    squares_[i].copy_(moments.at("exp_avg_sq." + parameters_[i].first));
  }
  steps_ = steps;
}

}  // namespace hone
