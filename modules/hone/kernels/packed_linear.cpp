#include <algorithm>
#include <functional>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/custom_class.h>
#include <torch/types.h>

#include <hone/kernels/packed_linear.h>

namespace hone::kernels {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr std::int64_t kPanelNumbers = 1 << 18;  // 1 MiB in fp32: stays in the second-level cache
// Panels begin at whole cache lines of the output: at odd places the product takes 15 % longer.
constexpr std::int64_t kPanelStep = 16;

/// Calls `use(first row, panel)` for panels [rows, in] in fp32 that together are the matrix.
void for_each_panel(const PackedWeight& weight,
                    const std::function<void(std::int64_t, const Tensor&)>& use) {
  const auto columns = weight.columns();
  const auto fitting = kPanelNumbers / std::max<std::int64_t>(columns, 1) / kPanelStep * kPanelStep;
  const auto height = std::min(std::max(fitting, kPanelStep), weight.rows());
  const auto scratch = at::empty({height, columns}, at::kFloat);
  auto* numbers = scratch.mutable_data_ptr<float>();
  for (std::int64_t first = 0; first < weight.rows(); first += height) {
    const auto count = std::min(height, weight.rows() - first);
    at::parallel_for(0, count, 16, [&](std::int64_t begin, std::int64_t end) {
      weight.decode_rows(first + begin, end - begin, numbers + begin * columns);
    });
    use(first, scratch.narrow(0, 0, count));
  }
}

std::vector<std::int64_t> with_last(const Tensor& x, std::int64_t size) {
  auto shape = x.sizes().vec();
  shape.back() = size;
  return shape;
}

/// Keeps the matrix alive as long as a backward pass may come.
struct HeldWeight : torch::CustomClassHolder {
  explicit HeldWeight(std::shared_ptr<const PackedWeight> held) : weight(std::move(held)) {}
  std::shared_ptr<const PackedWeight> weight;
};

struct PackedLinearFunction : torch::autograd::Function<PackedLinearFunction> {
  static Tensor forward(AutogradContext* context,
                        const Tensor& x,
                        const std::shared_ptr<const PackedWeight>& weight) {
    context->saved_data["weight"] =
        c10::IValue::make_capsule(c10::make_intrusive<HeldWeight>(weight));
    return packed_product(x, *weight);
  }

  static variable_list backward(AutogradContext* context, variable_list grads) {
    const auto held = context->saved_data["weight"].toCapsule();
    const auto& weight = *static_cast<const HeldWeight&>(*held).weight;
    return {packed_product_transposed(grads[0], weight), Tensor()};
  }
};

}  // namespace

Tensor PackedWeight::dequantize(at::ScalarType dtype) const {
  auto whole = at::empty({rows(), columns()}, at::kFloat);
  auto* numbers = whole.mutable_data_ptr<float>();
  at::parallel_for(0, rows(), 16, [&](std::int64_t begin, std::int64_t end) {
    decode_rows(begin, end - begin, numbers + begin * columns());
  });
  return whole.to(dtype);
}

Tensor packed_product(const Tensor& x, const PackedWeight& weight) {
  torch::NoGradGuard no_grad;
  expect_shape(x.reshape({-1, x.size(-1)}), {kAnySize, weight.columns()}, "x");
  const auto rows = x.reshape({-1, x.size(-1)});
  // Not a view: an adapter adds to it in place.
  auto y = at::empty(with_last(x, weight.rows()), x.options().requires_grad(false));
  const auto flat = y.view({rows.size(0), weight.rows()});
  for_each_panel(weight, [&](std::int64_t first, const Tensor& panel) {
    auto slice = flat.narrow(1, first, panel.size(0));
    at::mm_out(slice, rows, panel.to(x.scalar_type()).t());
  });
  return y;
}

Tensor packed_product_transposed(const Tensor& g, const PackedWeight& weight) {
  torch::NoGradGuard no_grad;
  const auto wide = g.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  const auto rows = g.reshape({-1, g.size(-1)});
  auto sum = at::zeros({rows.size(0), weight.columns()}, g.options().dtype(wide));
  for_each_panel(weight, [&](std::int64_t first, const Tensor& panel) {
    sum.addmm_(rows.narrow(1, first, panel.size(0)).to(wide), panel.to(wide));
  });
  return sum.to(g.scalar_type()).view(with_last(g, weight.columns()));
}

Tensor packed_linear(const Tensor& x,
                     const std::shared_ptr<const PackedWeight>& weight,
                     const Tensor& bias) {
  auto y = PackedLinearFunction::apply(x, weight);
  return bias.defined() ? y.add_(bias) : y;
}

Tensor packed_embedding(const Tensor& ids, const PackedWeight& weight, at::ScalarType dtype) {
  torch::NoGradGuard no_grad;
  const auto wanted = ids.to(at::kLong).contiguous();
  const auto* id = wanted.const_data_ptr<std::int64_t>();
  const auto columns = weight.columns();
  auto rows = at::empty({wanted.size(0), columns}, at::kFloat);
  auto* numbers = rows.mutable_data_ptr<float>();
  at::parallel_for(0, wanted.size(0), 4, [&](std::int64_t begin, std::int64_t end) {
    for (auto i = begin; i < end; ++i) {
      TORCH_CHECK(id[i] >= 0 && id[i] < weight.rows(), "no row ", id[i], " of ", weight.rows());
      weight.decode_rows(id[i], 1, numbers + i * columns);
    }
  });
  return rows.to(dtype);
}

}  // namespace hone::kernels
