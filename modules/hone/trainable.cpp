#include <ATen/ATen.h>

#include <hone/trainable.h>

namespace hone {

at::TensorOptions trainable_options(const Tensor& base) {
  const bool is_double = base.scalar_type() == at::kDouble;
  return base.options().dtype(is_double ? at::kDouble : at::kFloat).requires_grad(false);
}

Tensor trainable_copy(const Tensor& base) {
  return base.detach().to(trainable_options(base)).clone();
}

Tensor as_dtype_of(const Tensor& tensor, const Tensor& like) {
  return tensor.defined() ? tensor.to(like.scalar_type()) : tensor;
}

}  // namespace hone
