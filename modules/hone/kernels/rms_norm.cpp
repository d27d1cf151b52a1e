#include <cmath>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/types.h>

#include <hone/kernels/rms_norm.h>
#include <hone/kernels/rows.h>

namespace hone::kernels {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr std::int64_t kRowGrain = 16;  // rows per task

HONE_VECTORIZED float sum_of_squares(const float* x, std::int64_t size) {
  float lanes[kLanes] = {};
  std::int64_t i = 0;
  for (; i + kLanes <= size; i += kLanes) {
    for (int lane = 0; lane < kLanes; ++lane) lanes[lane] += x[i + lane] * x[i + lane];
  }
  float sum = 0;
  for (const float lane : lanes) sum += lane;
  for (; i < size; ++i) sum += x[i] * x[i];
  return sum;
}

HONE_VECTORIZED void scale_row(
    const float* x, const float* weight, float inverse, float* y, std::int64_t size) {
  for (std::int64_t i = 0; i < size; ++i) y[i] = x[i] * inverse * weight[i];
}

/// dx = inverse * (g w - x inverse^2 mean(g w x)).
HONE_VECTORIZED void backward_row(const float* grad,
                                  const float* x,
                                  const float* weight,
                                  float inverse,
                                  float* dx,
                                  std::int64_t size) {
  float lanes[kLanes] = {};
  std::int64_t i = 0;
  for (; i + kLanes <= size; i += kLanes) {
    for (int lane = 0; lane < kLanes; ++lane) {
      lanes[lane] += grad[i + lane] * weight[i + lane] * x[i + lane];
    }
  }
  float dot = 0;
  for (const float lane : lanes) dot += lane;
  for (; i < size; ++i) dot += grad[i] * weight[i] * x[i];
  const float shared = dot * inverse * inverse * inverse / static_cast<float>(size);
  for (std::int64_t at = 0; at < size; ++at) {
    dx[at] = grad[at] * weight[at] * inverse - x[at] * shared;
  }
}

template <typename T>
void forward_rows(const Tensor& x, const Tensor& weight, double eps, Tensor& y, Tensor& inverse) {
  const auto size = x.size(-1);
  const auto* from = x.const_data_ptr<T>();
  auto* to = y.mutable_data_ptr<T>();
  auto* inverses = inverse.mutable_data_ptr<float>();
  const auto* scale = weight.const_data_ptr<float>();
  at::parallel_for(0, x.numel() / size, kRowGrain, [&](std::int64_t begin, std::int64_t end) {
    InputRow<T> input(size);
    OutputRow<T> output(size);
    for (auto row = begin; row < end; ++row) {
      const float* values = input.read(from + row * size);
      const float mean = sum_of_squares(values, size) / static_cast<float>(size);
      inverses[row] = 1.0f / std::sqrt(mean + static_cast<float>(eps));
      scale_row(values, scale, inverses[row], output.begin(to + row * size), size);
      output.done(to + row * size);
    }
  });
}

template <typename T>
void backward_rows(
    const Tensor& grad, const Tensor& x, const Tensor& weight, const Tensor& inverse, Tensor& dx) {
  const auto size = x.size(-1);
  const auto* gradients = grad.const_data_ptr<T>();
  const auto* from = x.const_data_ptr<T>();
  auto* to = dx.mutable_data_ptr<T>();
  const auto* inverses = inverse.const_data_ptr<float>();
  const auto* scale = weight.const_data_ptr<float>();
  at::parallel_for(0, x.numel() / size, kRowGrain, [&](std::int64_t begin, std::int64_t end) {
    InputRow<T> gradient(size);
    InputRow<T> input(size);
    OutputRow<T> output(size);
    for (auto row = begin; row < end; ++row) {
      backward_row(gradient.read(gradients + row * size), input.read(from + row * size), scale,
                   inverses[row], output.begin(to + row * size), size);
      output.done(to + row * size);
    }
  });
}

struct RmsNormFunction : torch::autograd::Function<RmsNormFunction> {
  static Tensor forward(AutogradContext* context,
                        const Tensor& x,
                        const Tensor& weight,
                        double eps) {
    const auto input = x.contiguous();
    const auto scale = weight.to(at::kFloat).contiguous();
    auto y = at::empty_like(input);
    auto inverse = at::empty({input.numel() / input.size(-1)}, scale.options());
    if (input.scalar_type() == at::kFloat) {
      forward_rows<float>(input, scale, eps, y, inverse);
    } else {
      forward_rows<c10::BFloat16>(input, scale, eps, y, inverse);
    }
    context->save_for_backward({input, weight, inverse});
    return y;
  }

  static variable_list backward(AutogradContext* context, variable_list grads) {
    const auto saved = context->get_saved_variables();
    const auto& x = saved[0];
    const auto scale = saved[1].to(at::kFloat).contiguous();
    const auto grad = grads[0].contiguous();
    Tensor dx, dweight;
    if (context->needs_input_grad(0)) {
      dx = at::empty_like(x);
      if (x.scalar_type() == at::kFloat) {
        backward_rows<float>(grad, x, scale, saved[2], dx);
      } else {
        backward_rows<c10::BFloat16>(grad, x, scale, saved[2], dx);
      }
    }
    if (context->needs_input_grad(1)) {
      const auto size = x.size(-1);
      const auto normalised = x.reshape({-1, size}).to(at::kFloat) * saved[2].unsqueeze(1);
      dweight = (normalised * grad.reshape({-1, size})).sum(0).to(saved[1].scalar_type());
    }
    return {dx, dweight, Tensor()};
  }
};

}  // namespace

Tensor rms_norm(const Tensor& x, const Tensor& weight, double eps) {
  expect_shape(weight, {x.size(-1)}, "weight");
  if (!runs_on_rows(x) || x.numel() == 0) return rms_norm_reference(x, weight, eps);
  return RmsNormFunction::apply(x, weight, eps);
}

Tensor rms_norm_reference(const Tensor& x, const Tensor& weight, double eps) {
  const auto wide = x.scalar_type() == at::kDouble ? x : x.to(at::kFloat);
  const auto inverse = wide.square().mean(-1, /*keepdim=*/true).add(eps).rsqrt();
  return (wide * inverse).to(x.scalar_type()) * weight;
}

}  // namespace hone::kernels
