#include <cmath>
#include <stdexcept>

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <torch/types.h>

#include <hone/trainable.h>
#include <hone/vera.h>

namespace hone {

void validate(const VeraConfig& config) {
  if (config.r < 1) throw std::invalid_argument("r must be at least 1");
  if (config.target_modules.empty())
    throw std::invalid_argument("target_modules must name at least one module");
  if (config.vera_dropout < 0 || config.vera_dropout >= 1)
    throw std::invalid_argument("vera_dropout must be in [0, 1)");
}

std::shared_ptr<VeraProjection> VeraProjection::draw(const VeraConfig& config,
                                                     std::int64_t in,
                                                     std::int64_t out,
                                                     const at::TensorOptions& options) {
  torch::NoGradGuard no_grad;
  auto generator = at::detail::createCPUGenerator(config.projection_prng_key);
  const auto kaiming = [&](std::int64_t rows, std::int64_t columns) {
    const double bound = std::sqrt(3.0) * std::sqrt(2.0) / std::sqrt(static_cast<double>(columns));
    return at::empty({rows, columns}, at::kFloat).uniform_(-bound, bound, generator).to(options);
  };
  auto drawn = std::make_shared<VeraProjection>();
  drawn->a = kaiming(config.r, in);
  drawn->b = kaiming(out, config.r);
  return drawn;
}

VeraImpl::VeraImpl(const ProjectionImpl& base,
                   const VeraConfig& config,
                   std::shared_ptr<VeraProjection> projection)
    : projection_(std::move(projection)),
      in_(base.in_features()),
      out_(base.out_features()),
      dropout_(config.vera_dropout) {
  const auto options = base.adapter_options();
  vera_lambda_b = register_parameter("vera_lambda_b", torch::zeros({out_}, options));
  vera_lambda_d =
      register_parameter("vera_lambda_d", torch::full({config.r}, config.d_initial, options));
}

Tensor VeraImpl::a() const {
  return projection_->a.narrow(1, 0, in_);
}

Tensor VeraImpl::b() const {
  return projection_->b.narrow(0, 0, out_);
}

Tensor VeraImpl::output(Tensor y, const Tensor& x, const ProjectionImpl&) const {
  const bool drops = dropout_ > 0 && is_training();
  const auto in = drops ? at::dropout(x, dropout_, /*train=*/true) : x;
  const auto low = at::linear(in, as_dtype_of(a(), x)) * as_dtype_of(vera_lambda_d, x);
  return y + at::linear(low, as_dtype_of(b(), x)) * as_dtype_of(vera_lambda_b, x);
}

Tensor VeraImpl::weight_delta() const {
  torch::NoGradGuard no_grad;
  return at::matmul(b() * vera_lambda_b.unsqueeze(1), a() * vera_lambda_d.unsqueeze(1));
}

}  // namespace hone
