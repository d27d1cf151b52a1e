// Root mean square normalisation (Zhang and Sennrich 2019): y = x / sqrt(mean(x^2) + eps) * weight.
#pragma once

#include <hone/shapes.h>

namespace hone::kernels {

/// `x`: [..., D], `weight`: [D]. Returns [..., D] in the dtype of `x`. The mean is taken in fp32
/// (double for double).
///
/// fp32 and bf16 on the CPU run a fused forward and backward that keep one number per row;
/// everything else runs `rms_norm_reference`. A weight that needs no gradient gets none computed.
Tensor rms_norm(const Tensor& x, const Tensor& weight, double eps);

/// The definition, in ATen operators.
Tensor rms_norm_reference(const Tensor& x, const Tensor& weight, double eps);

}  // namespace hone::kernels
