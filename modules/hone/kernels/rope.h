// Rotary position embedding (Su et al. 2021), halves paired as Hugging Face pairs them: channel i
// with i + d/2.
#pragma once

#include <hone/shapes.h>

namespace hone::kernels {

/// `x`: [N, H, d]; `cos`, `sin`: [N, d/2], fp32. Returns [N, H, d]:
///
///     y[i]       = x[i] cos[i] - x[i + d/2] sin[i]
///     y[i + d/2] = x[i + d/2] cos[i] + x[i] sin[i]
///
/// fp32 and bf16 on the CPU run a fused kernel whose backward is the rotation the other way;
/// everything else runs `rope_reference`.
Tensor rope(const Tensor& x, const Tensor& cos, const Tensor& sin);

/// The definition, in ATen operators.
Tensor rope_reference(const Tensor& x, const Tensor& cos, const Tensor& sin);

}  // namespace hone::kernels
