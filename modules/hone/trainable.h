// The numbers that an adapter trains: their precision above a frozen base.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/TensorOptions.h>

#include <hone/shapes.h>

namespace hone {

/// Options of an adapter's own tensors beside `base`: its device, fp32, or double above a double
/// base. An update of a bf16 number smaller than its last bit would be lost.
at::TensorOptions trainable_options(const Tensor& base);

/// A copy of `base` with these options.
Tensor trainable_copy(const Tensor& base);

/// `tensor` in the dtype of `like`; undefined where it is.
Tensor as_dtype_of(const Tensor& tensor, const Tensor& like);

}  // namespace hone
