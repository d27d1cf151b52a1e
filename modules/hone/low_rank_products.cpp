#include <algorithm>
#include <cmath>
#include <stdexcept>

#include <ATen/ATen.h>
#include <torch/nn/init.h>
#include <torch/types.h>

#include <hone/low_rank_products.h>
#include <hone/trainable.h>

namespace hone {
namespace {

template <typename Config>
void check_low_rank(const Config& config) {
  if (config.r < 1) throw std::invalid_argument("r must be at least 1");
  if (!std::isfinite(config.alpha) || config.alpha <= 0)
    throw std::invalid_argument("alpha must be positive");
  if (config.target_modules.empty())
    throw std::invalid_argument("target_modules must name at least one module");
}

/// A trained matrix of `module`: zero, or Kaiming uniform as PEFT's.
Tensor add_factor(torch::nn::Module& module,
                  const char* name,
                  at::IntArrayRef shape,
                  const at::TensorOptions& options,
                  bool zero) {
  auto start = torch::zeros(shape, options);
  if (!zero) torch::nn::init::kaiming_uniform_(start, std::sqrt(5.0));
  return module.register_parameter(name, start);
}

}  // namespace

void validate(const LoHaConfig& config) {
  check_low_rank(config);
}

void validate(const LoKrConfig& config) {
  check_low_rank(config);
  if (config.decompose_factor != -1 && config.decompose_factor < 1)
    throw std::invalid_argument("decompose_factor must be -1 or at least 1");
}

LoHaImpl::LoHaImpl(const ProjectionImpl& base, const LoHaConfig& config)
    : scale_(config.alpha / static_cast<double>(config.r)) {
  const auto options = base.adapter_options();
  const auto in = base.in_features(), out = base.out_features();
  hada_w1_a = add_factor(*this, "hada_w1_a", {out, config.r}, options, /*zero=*/false);
  hada_w1_b = add_factor(*this, "hada_w1_b", {config.r, in}, options, false);
  hada_w2_a = add_factor(*this, "hada_w2_a", {out, config.r}, options, false);
  hada_w2_b = add_factor(*this, "hada_w2_b", {config.r, in}, options, true);
}

Tensor LoHaImpl::delta() const {
  return at::matmul(hada_w1_a, hada_w1_b) * at::matmul(hada_w2_a, hada_w2_b) * scale_;
}

Tensor LoHaImpl::output(Tensor y, const Tensor& x, const ProjectionImpl&) const {
  return y + at::linear(x, as_dtype_of(delta(), x));
}

Tensor LoHaImpl::weight_delta() const {
  torch::NoGradGuard no_grad;
  return delta();
}

std::pair<std::int64_t, std::int64_t> factorization(std::int64_t dimension, std::int64_t factor) {
  if (factor > 0 && dimension % factor == 0) return {factor, dimension / factor};
  const auto largest = factor == -1 ? dimension : factor;
  std::int64_t best = 1;
  for (std::int64_t m = 2; m <= largest && m * m <= dimension; ++m) {
    if (dimension % m == 0) best = m;
  }
  return {best, dimension / best};
}

LoKrImpl::LoKrImpl(const ProjectionImpl& base, const LoKrConfig& config)
    : scale_(config.alpha / static_cast<double>(config.r)) {
  const auto options = base.adapter_options();
  const auto [in_m, in_n] = factorization(base.in_features(), config.decompose_factor);
  const auto [out_l, out_k] = factorization(base.out_features(), config.decompose_factor);
  const auto add = [&](const char* name, std::int64_t rows, std::int64_t columns, bool zero) {
    return add_factor(*this, name, {rows, columns}, options, zero);
  };
  const auto r = config.r;
  if (config.decompose_both && 2 * r < std::max(out_l, in_m)) {
    lokr_w1_a = add("lokr_w1_a", out_l, r, true);
    lokr_w1_b = add("lokr_w1_b", r, in_m, false);
  } else {
    lokr_w1 = add("lokr_w1", out_l, in_m, true);
  }
  if (2 * r < std::max(out_k, in_n)) {
    lokr_w2_a = add("lokr_w2_a", out_k, r, false);
    lokr_w2_b = add("lokr_w2_b", r, in_n, false);
  } else {
    lokr_w2 = add("lokr_w2", out_k, in_n, false);
  }
}

Tensor LoKrImpl::left() const {
  return lokr_w1.defined() ? lokr_w1 : at::matmul(lokr_w1_a, lokr_w1_b);
}

Tensor LoKrImpl::right() const {
  return lokr_w2.defined() ? lokr_w2 : at::matmul(lokr_w2_a, lokr_w2_b);
}

/// (w1 (x) w2) x without the large matrix: x as a matrix X [m, n], w1 X w2^T.
Tensor LoKrImpl::output(Tensor y, const Tensor& x, const ProjectionImpl&) const {
  const auto w1 = as_dtype_of(left(), x), w2 = as_dtype_of(right(), x);
  const auto blocks = x.reshape({-1, w1.size(1), w2.size(1)});  // [N, m, n]
  const auto inner = at::matmul(blocks, w2.t());                // [N, m, k]
  return y + at::matmul(w1, inner).reshape(y.sizes()) * scale_;
}

Tensor LoKrImpl::weight_delta() const {
  torch::NoGradGuard no_grad;
  return at::kron(left(), right()) * scale_;
}

}  // namespace hone
