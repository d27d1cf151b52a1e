// A linear layer over a packed matrix: expanded inside the product, a few rows at a time (QLoRA,
// Dettmers et al. 2023).
#pragma once

#include <memory>

#include <hone/kernels/packed_weight.h>

namespace hone::kernels {

/// x W^T without a gradient. `x`: [..., in]. Returns [..., out] in the dtype of `x`.
///
/// W is expanded in panels of rows that stay in the cache, all threads sharing the work; no tensor
/// of W's size is made.
Tensor packed_product(const Tensor& x, const PackedWeight& weight);

/// g W without a gradient: [..., out] to [..., in], summed over the panels in at least fp32.
Tensor packed_product_transposed(const Tensor& g, const PackedWeight& weight);

/// y = x W^T + b, with a gradient for `x` and for `bias` ([out], or undefined); W has none.
Tensor packed_linear(const Tensor& x,
                     const std::shared_ptr<const PackedWeight>& weight,
                     const Tensor& bias);

/// Rows of W by index, as an embedding looks them up. `ids`: [N], int64. Returns [N, in].
Tensor packed_embedding(const Tensor& ids, const PackedWeight& weight, at::ScalarType dtype);

}  // namespace hone::kernels
