// AdamW with its moments in 8 bits (Dettmers et al. 2021, 8-bit optimizers via block-wise
// quantization).
#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

#include <hone/training/optimizers.h>

namespace hone {

/// Numbers that share a scale.
inline constexpr std::int64_t kMomentBlock = 256;

/// Scales of `count` numbers.
constexpr std::int64_t moment_blocks(std::int64_t count) {
  return (count + kMomentBlock - 1) / kMomentBlock;
}

/// The coefficients of one update.
struct AdamW8BitStep {
  double rate, decay, beta1, beta2, epsilon;
  std::int64_t step;  ///< the first is 1
};

/// One update of `parameter` by `gradient`, fp32 and contiguous, n numbers each. `state`: codes of
/// the moments, `state1` (with sign) and `state2` (without), [n], uint8; their scales `absmax1` and
/// `absmax2`, [ceil(n / 256)]. The moments are decoded, updated and encoded again block by block,
/// so nothing of the parameter's size is allocated.
void adamw_8bit_update(at::Tensor parameter,
                       const at::Tensor& gradient,
                       OptimizerState& state,
                       const AdamW8BitStep& coefficients);

}  // namespace hone
