// AdamW with its moments in 8 bits (Dettmers et al. 2021, 8-bit optimizers via block-wise
// quantization).
#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

namespace hone {

/// Numbers that share a scale.
inline constexpr std::int64_t kMomentBlock = 256;

/// The coefficients of one update.
struct AdamW8BitStep {
  double rate, decay, beta1, beta2, epsilon;
  std::int64_t step;  ///< the first is 1
};

/// One update of `parameter` by `gradient`, fp32 and contiguous, n numbers each. `state1`,
/// `state2`: codes of the moments, [n], uint8 (with and without sign); `absmax1`, `absmax2`: their
/// scales, [ceil(n / 256)]. The moments are decoded, updated and encoded again block by block, so
/// nothing of the parameter's size is allocated.
void adamw_8bit_update(at::Tensor parameter,
                       const at::Tensor& gradient,
                       at::Tensor state1,
                       at::Tensor absmax1,
                       at::Tensor state2,
                       at::Tensor absmax2,
                       const AdamW8BitStep& coefficients);

}  // namespace hone
