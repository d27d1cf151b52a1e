#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/types.h>

#include <hone/kernels/rope.h>
#include <hone/kernels/rows.h>

namespace hone::kernels {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr std::int64_t kTokenGrain = 8;

/// `direction` 1 rotates forwards, -1 back.
HONE_VECTORIZED void rotate_head(const float* x,
                                 const float* cos,
                                 const float* sin,
                                 float direction,
                                 float* y,
                                 std::int64_t half) {
  for (std::int64_t i = 0; i < half; ++i) {
    const float turn = direction * sin[i];
    const float first = x[i];
    const float second = x[i + half];
    y[i] = first * cos[i] - second * turn;
    y[i + half] = second * cos[i] + first * turn;
  }
}

template <typename T>
void rotate_all(const Tensor& x, const Tensor& cos, const Tensor& sin, float direction, Tensor& y) {
  const auto heads = x.size(1);
  const auto size = x.size(2);
  const auto half = size / 2;
  const auto* from = x.const_data_ptr<T>();
  auto* to = y.mutable_data_ptr<T>();
  const auto* cosines = cos.const_data_ptr<float>();
  const auto* sines = sin.const_data_ptr<float>();
  at::parallel_for(0, x.size(0), kTokenGrain, [&](std::int64_t begin, std::int64_t end) {
    InputRow<T> input(size);
    OutputRow<T> output(size);
    for (auto token = begin; token < end; ++token) {
      for (std::int64_t head = 0; head < heads; ++head) {
        const auto at = (token * heads + head) * size;
        rotate_head(input.read(from + at), cosines + token * half, sines + token * half, direction,
                    output.begin(to + at), half);
        output.done(to + at);
      }
    }
  });
}

Tensor rotate(const Tensor& x, const Tensor& cos, const Tensor& sin, float direction) {
  const auto input = x.contiguous();
  auto y = at::empty_like(input);
  if (input.scalar_type() == at::kFloat) {
    rotate_all<float>(input, cos, sin, direction, y);
  } else {
    rotate_all<c10::BFloat16>(input, cos, sin, direction, y);
  }
  return y;
}

struct RopeFunction : torch::autograd::Function<RopeFunction> {
  static Tensor forward(AutogradContext* context,
                        const Tensor& x,
                        const Tensor& cos,
                        const Tensor& sin) {
    context->save_for_backward({cos, sin});
    return rotate(x, cos, sin, 1.0f);
  }

  static variable_list backward(AutogradContext* context, variable_list grads) {
    const auto saved = context->get_saved_variables();
    return {rotate(grads[0], saved[0], saved[1], -1.0f), Tensor(), Tensor()};
  }
};

}  // namespace

Tensor rope(const Tensor& x, const Tensor& cos, const Tensor& sin) {
  expect_shape(x, {kAnySize, kAnySize, kAnySize}, "x");
  expect_shape(cos, {x.size(0), x.size(2) / 2}, "cos");
  expect_shape(sin, {x.size(0), x.size(2) / 2}, "sin");
  if (!runs_on_rows(x)) return rope_reference(x, cos, sin);
  return RopeFunction::apply(x, cos.contiguous(), sin.contiguous());
}

Tensor rope_reference(const Tensor& x, const Tensor& cos, const Tensor& sin) {
  const auto halves = x.chunk(2, -1);
  const auto c = cos.unsqueeze(1).to(x.scalar_type());
  const auto s = sin.unsqueeze(1).to(x.scalar_type());
  return at::cat({halves[0] * c - halves[1] * s, halves[1] * c + halves[0] * s}, -1);
}

}  // namespace hone::kernels
