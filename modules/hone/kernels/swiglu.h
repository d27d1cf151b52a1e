// The gated product of the feed-forward part (Shazeer 2020): silu(gate) * up, silu(z) = z / (1 +
// e^-z).
#pragma once

#include <hone/shapes.h>

namespace hone::kernels {

/// `gate`, `up`: the same shape and dtype. Returns silu(gate) * up.
///
/// fp32 and bf16 on the CPU run a fused forward and backward that keep nothing but the two inputs;
/// everything else runs `swiglu_reference`.
Tensor swiglu(const Tensor& gate, const Tensor& up);

/// The definition, in ATen operators.
Tensor swiglu_reference(const Tensor& gate, const Tensor& up);

}  // namespace hone::kernels
