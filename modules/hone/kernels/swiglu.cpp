#include <algorithm>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/types.h>

#include <hone/kernels/rows.h>
#include <hone/kernels/swiglu.h>

namespace hone::kernels {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr std::int64_t kBlock = 1024;  // numbers handled at once; fits the first-level cache
constexpr std::int64_t kBlockGrain = 8;

HONE_VECTORIZED void forward_block(const float* gate,
                                   const float* up,
                                   float* y,
                                   std::int64_t size) {
  for (std::int64_t i = 0; i < size; ++i) y[i] = gate[i] / (1.0f + fast_exp(-gate[i])) * up[i];
}

/// d silu(z) = sigmoid(z) (1 + z (1 - sigmoid(z))).
HONE_VECTORIZED void backward_block(const float* grad,
                                    const float* gate,
                                    const float* up,
                                    float* dgate,
                                    float* dup,
                                    std::int64_t size) {
  for (std::int64_t i = 0; i < size; ++i) {
    const float sigmoid = 1.0f / (1.0f + fast_exp(-gate[i]));
    dup[i] = grad[i] * gate[i] * sigmoid;
    dgate[i] = grad[i] * up[i] * sigmoid * (1.0f + gate[i] * (1.0f - sigmoid));
  }
}

/// Calls `work(first, size)` for blocks of at most kBlock numbers, in parallel.
template <typename Work>
void for_each_block(std::int64_t count, const Work& work) {
  const auto blocks = (count + kBlock - 1) / kBlock;
  at::parallel_for(0, blocks, kBlockGrain, [&](std::int64_t begin, std::int64_t end) {
    for (auto block = begin; block < end; ++block) {
      const auto first = block * kBlock;
      work(first, std::min(kBlock, count - first));
    }
  });
}

template <typename T>
void forward_all(const Tensor& gate, const Tensor& up, Tensor& y) {
  const auto* gates = gate.const_data_ptr<T>();
  const auto* ups = up.const_data_ptr<T>();
  auto* to = y.mutable_data_ptr<T>();
  for_each_block(gate.numel(), [&](std::int64_t first, std::int64_t size) {
    InputRow<T> a(size), b(size);
    OutputRow<T> out(size);
    forward_block(a.read(gates + first), b.read(ups + first), out.begin(to + first), size);
    out.done(to + first);
  });
}

template <typename T>
void backward_all(
    const Tensor& grad, const Tensor& gate, const Tensor& up, Tensor& dgate, Tensor& dup) {
  const auto* grads = grad.const_data_ptr<T>();
  const auto* gates = gate.const_data_ptr<T>();
  const auto* ups = up.const_data_ptr<T>();
  auto* to_gate = dgate.mutable_data_ptr<T>();
  auto* to_up = dup.mutable_data_ptr<T>();
  for_each_block(gate.numel(), [&](std::int64_t first, std::int64_t size) {
    InputRow<T> g(size), a(size), b(size);
    OutputRow<T> out_gate(size), out_up(size);
    backward_block(g.read(grads + first), a.read(gates + first), b.read(ups + first),
                   out_gate.begin(to_gate + first), out_up.begin(to_up + first), size);
    out_gate.done(to_gate + first);
    out_up.done(to_up + first);
  });
}

struct SwigluFunction : torch::autograd::Function<SwigluFunction> {
  static Tensor forward(AutogradContext* context, const Tensor& gate, const Tensor& up) {
    const auto a = gate.contiguous();
    const auto b = up.contiguous();
    auto y = at::empty_like(a);
    if (a.scalar_type() == at::kFloat) {
      forward_all<float>(a, b, y);
    } else {
      forward_all<c10::BFloat16>(a, b, y);
    }
    context->save_for_backward({a, b});
    return y;
  }

  static variable_list backward(AutogradContext* context, variable_list grads) {
    const auto saved = context->get_saved_variables();
    const auto grad = grads[0].contiguous();
    auto dgate = at::empty_like(saved[0]);
    auto dup = at::empty_like(saved[1]);
    if (grad.scalar_type() == at::kFloat) {
      backward_all<float>(grad, saved[0], saved[1], dgate, dup);
    } else {
      backward_all<c10::BFloat16>(grad, saved[0], saved[1], dgate, dup);
    }
    return {dgate, dup};
  }
};

}  // namespace

Tensor swiglu(const Tensor& gate, const Tensor& up) {
  TORCH_CHECK(gate.sizes() == up.sizes() && gate.scalar_type() == up.scalar_type(),
              "swiglu: gate and up differ in shape or dtype");
  if (!runs_on_rows(gate)) return swiglu_reference(gate, up);
  return SwigluFunction::apply(gate, up);
}

Tensor swiglu_reference(const Tensor& gate, const Tensor& up) {
  return at::silu(gate) * up;
}

}  // namespace hone::kernels
