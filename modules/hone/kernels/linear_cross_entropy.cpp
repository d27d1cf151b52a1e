#include <algorithm>
#include <cmath>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/types.h>

#include <hone/kernels/linear_cross_entropy.h>
#include <hone/kernels/packed_linear.h>
#include <hone/kernels/rows.h>

namespace hone::kernels {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr std::int64_t kBlockNumbers = 16 << 20;  // logits of a block: 64 MiB in fp32
// Who packs the weights is short of memory: 16 MiB, for a few per cent more time.
constexpr std::int64_t kPackedBlockNumbers = 4 << 20;

HONE_VECTORIZED float largest(const float* x, std::int64_t size) {
  float lanes[kLanes];
  for (float& lane : lanes) lane = x[0];
  std::int64_t i = 0;
  for (; i + kLanes <= size; i += kLanes) {
    for (int lane = 0; lane < kLanes; ++lane)
      lanes[lane] = x[i + lane] > lanes[lane] ? x[i + lane] : lanes[lane];
  }
  float best = x[0];
  for (const float lane : lanes) best = lane > best ? lane : best;
  for (; i < size; ++i) best = x[i] > best ? x[i] : best;
  return best;
}

HONE_VECTORIZED float sum_of(const float* x, std::int64_t size) {
  float lanes[kLanes] = {};
  std::int64_t i = 0;
  for (; i + kLanes <= size; i += kLanes) {
    for (int lane = 0; lane < kLanes; ++lane) lanes[lane] += x[i + lane];
  }
  float sum = 0;
  for (const float lane : lanes) sum += lane;
  for (; i < size; ++i) sum += x[i];
  return sum;
}

HONE_VECTORIZED void exponentiate_all(float* x, float shift, std::int64_t size) {
  for (std::int64_t i = 0; i < size; ++i) x[i] = fast_exp(x[i] - shift);
}

/// Replaces x by e^(x - shift) and returns the sum. Far below the largest logit a term is 0.
float exponentiate(float* x, float shift, std::int64_t size) {
  constexpr std::int64_t kPiece = 2048;  // stays in the first-level cache between the two passes
  float sum = 0;
  for (std::int64_t first = 0; first < size; first += kPiece) {
    const auto count = std::min(kPiece, size - first);
    exponentiate_all(x + first, shift, count);
    sum += sum_of(x + first, count);
  }
  return sum;
}

HONE_VECTORIZED void scale(float* x, float factor, std::int64_t size) {
  for (std::int64_t i = 0; i < size; ++i) x[i] *= factor;
}

/// Replaces x by c tanh(x / c); `slope` gets the derivative, 1 - tanh(x / c)^2.
void soften(float* x, float* slope, float cap, std::int64_t size) {
  for (std::int64_t i = 0; i < size; ++i) {
    const float bent = std::tanh(x[i] / cap);
    x[i] = cap * bent;
    slope[i] = 1 - bent * bent;
  }
}

HONE_VECTORIZED void multiply(float* x, const float* factor, std::int64_t size) {
  for (std::int64_t i = 0; i < size; ++i) x[i] *= factor[i];
}

/// Turns each row of logits into the gradient of its loss (softmax minus one-hot, through the cap
/// where there is one), and returns the summed loss.
double softmax_minus_target(Tensor& logits, const Tensor& targets, double softcapping) {
  const auto rows = logits.size(0);
  const auto size = logits.size(1);
  auto* values = logits.mutable_data_ptr<float>();
  const auto* target = targets.const_data_ptr<std::int64_t>();
  auto losses = at::empty({rows}, at::kDouble);
  auto* loss = losses.mutable_data_ptr<double>();
  at::parallel_for(0, rows, 1, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> slope(softcapping > 0 ? static_cast<std::size_t>(size) : 0);
    for (auto row = begin; row < end; ++row) {
      float* x = values + row * size;
      if (softcapping > 0) soften(x, slope.data(), static_cast<float>(softcapping), size);
      const float shift = largest(x, size);
      const float chosen = x[target[row]] - shift;
      const float sum = exponentiate(x, shift, size);
      loss[row] = std::log(static_cast<double>(sum)) - chosen;
      scale(x, 1.0f / sum, size);
      x[target[row]] -= 1.0f;
      if (softcapping > 0) multiply(x, slope.data(), size);
    }
  });
  return losses.sum().item<double>();
}

/// The head, [V, D]: a tensor, or packed.
struct HeadMatrix {
  Tensor weight;
  const PackedWeight* packed = nullptr;

  std::int64_t rows() const { return packed ? packed->rows() : weight.size(0); }
  Tensor logits(const Tensor& hidden) const {
    return packed ? packed_product(hidden, *packed) : at::linear(hidden, weight);
  }
  Tensor back(const Tensor& gradient) const {
    return packed ? packed_product_transposed(gradient, *packed) : at::matmul(gradient, weight);
  }
};

struct LinearCrossEntropyFunction : torch::autograd::Function<LinearCrossEntropyFunction> {
  static Tensor forward(AutogradContext* context,
                        const Tensor& hidden,
                        const Tensor& weight,
                        const PackedWeight* packed,
                        const Tensor& targets,
                        double softcapping,
                        bool needs_hidden,
                        bool needs_weight) {
    const HeadMatrix head{weight, packed};
    const auto dtype = hidden.scalar_type();
    auto dhidden = needs_hidden ? at::empty_like(hidden) : Tensor();
    auto dweight =
        needs_weight ? at::zeros(weight.sizes(), weight.options().dtype(at::kFloat)) : Tensor();
    const auto numbers = packed == nullptr ? kBlockNumbers : kPackedBlockNumbers;
    const auto block = std::max<std::int64_t>(1, numbers / head.rows());
    double loss = 0;
    for (std::int64_t first = 0; first < hidden.size(0); first += block) {
      const auto count = std::min(block, hidden.size(0) - first);
      const auto rows = hidden.narrow(0, first, count);
      auto logits = head.logits(rows).to(at::kFloat);
      loss += softmax_minus_target(logits, targets.narrow(0, first, count), softcapping);
      if (needs_hidden) dhidden.narrow(0, first, count).copy_(head.back(logits.to(dtype)));
      if (needs_weight) dweight.addmm_(logits.t(), rows.to(at::kFloat));
    }
    context->save_for_backward({dhidden, dweight});
    context->saved_data["weight_dtype"] = static_cast<std::int64_t>(weight.scalar_type());
    return at::scalar_tensor(loss, hidden.options().dtype(at::kFloat).requires_grad(false));
  }

  static variable_list backward(AutogradContext* context, variable_list grads) {
    const auto saved = context->get_saved_variables();
    const auto factor = grads[0].item<double>();
    const auto weight_dtype =
        static_cast<at::ScalarType>(context->saved_data["weight_dtype"].toInt());
    return {saved[0].defined() ? saved[0] * factor : Tensor(),
            saved[1].defined() ? (saved[1] * factor).to(weight_dtype) : Tensor(),
            Tensor(),
            Tensor(),
            Tensor(),
            Tensor(),
            Tensor()};
  }
};

}  // namespace

Tensor linear_cross_entropy(const Tensor& hidden,
                            const Tensor& weight,
                            const Tensor& targets,
                            double softcapping) {
  expect_shape(hidden, {kAnySize, weight.size(1)}, "hidden");
  expect_shape(targets, {hidden.size(0)}, "targets");
  if (!runs_on_rows(hidden))
    return linear_cross_entropy_reference(hidden, weight, targets, softcapping);
  const bool learns = torch::GradMode::is_enabled();
  const PackedWeight* none = nullptr;
  return LinearCrossEntropyFunction::apply(hidden.contiguous(), weight, none, targets.contiguous(),
                                           softcapping, learns && hidden.requires_grad(),
                                           learns && weight.requires_grad());
}

Tensor linear_cross_entropy(const Tensor& hidden,
                            const PackedWeight& weight,
                            const Tensor& targets,
                            double softcapping) {
  expect_shape(hidden, {kAnySize, weight.columns()}, "hidden");
  expect_shape(targets, {hidden.size(0)}, "targets");
  if (!runs_on_rows(hidden))
    return linear_cross_entropy_reference(hidden, weight.dequantize(hidden.scalar_type()), targets,
                                          softcapping);
  const bool learns = torch::GradMode::is_enabled() && hidden.requires_grad();
  // autograd asks every tensor argument for its device, so there is an empty one.
  return LinearCrossEntropyFunction::apply(hidden.contiguous(), at::empty({0}, at::kFloat), &weight,
                                           targets.contiguous(), softcapping, learns, false);
}

Tensor linear_cross_entropy_reference(const Tensor& hidden,
                                      const Tensor& weight,
                                      const Tensor& targets,
                                      double softcapping) {
  auto logits = at::linear(hidden, weight);
  if (softcapping > 0) logits = at::tanh(logits / softcapping) * softcapping;
  if (logits.scalar_type() != at::kDouble) logits = logits.to(at::kFloat);
  return at::nll_loss(at::log_softmax(logits, -1), targets, {}, at::Reduction::Sum);
}

}  // namespace hone::kernels
