// The language-model loss without the logits: hidden states times the head, softmax and
// cross-entropy in one pass over blocks of positions, so that [M, V] never exists in memory.
#pragma once

#include <hone/kernels/packed_weight.h>
#include <hone/shapes.h>

namespace hone::kernels {

/// Sum over the M positions of -log softmax(cap(hidden W^T))[target], as a scalar (fp32; double for
/// double), with cap(z) = softcapping tanh(z / softcapping), or z where that is 0.
///
/// `hidden`: [M, D]; `weight`: [V, D], the head; `targets`: [M], int64, all in 0 .. V-1 (positions
/// without a target are left out by the caller). Logits are formed in the dtype of `hidden`,
/// everything after them in fp32. The gradients of `hidden`, and of `weight` where it needs one,
/// are formed in the forward pass block by block and scaled in the backward.
Tensor linear_cross_entropy(const Tensor& hidden,
                            const Tensor& weight,
                            const Tensor& targets,
                            double softcapping = 0);

/// The same with a packed head, expanded a few rows at a time.
Tensor linear_cross_entropy(const Tensor& hidden,
                            const PackedWeight& weight,
                            const Tensor& targets,
                            double softcapping = 0);

/// The definition, in ATen operators.
Tensor linear_cross_entropy_reference(const Tensor& hidden,
                                      const Tensor& weight,
                                      const Tensor& targets,
                                      double softcapping = 0);

}  // namespace hone::kernels
