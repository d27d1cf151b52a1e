// NormalFloat with 4 bits (Dettmers et al. 2023) and 8-bit integers, as bitsandbytes stores them.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace hone {

/// The 16 values of NF4: quantiles of a normal distribution, scaled to [-1, 1].
const std::array<float, 16>& nf4_values();

/// Numbers in NF4: blocks of 64, each scaled by its largest magnitude; with double quantisation the
/// scales are themselves 8-bit dynamic numbers in blocks of 256, around their mean.
class Nf4Numbers {
 public:
  static constexpr std::int64_t kBlock = 64;
  static constexpr std::int64_t kScaleBlock = 256;

  /// Throws `Error` where the count is no multiple of 64 or a number is not finite.
  Nf4Numbers(std::span<const float> numbers, bool double_quantised);

  std::int64_t count() const { return 2 * static_cast<std::int64_t>(codes_.size()); }
  /// Memory of codes and scales.
  std::int64_t bytes() const;

  /// Fills `out` with the numbers from `first` on; both multiples of 64.
  void decode(std::int64_t first, std::span<float> out) const;

  /// Two codes a byte, the first in the upper half.
  const std::vector<std::uint8_t>& codes() const { return codes_; }
  /// The scale of block `block`, after double quantisation.
  float scale(std::int64_t block) const;
  /// With double quantisation scale i is map[scale_codes[i]] * scale_scales[i / 256] + scale_mean,
  /// map being DynamicMap::with_sign().
  const std::vector<std::uint8_t>& scale_codes() const { return scale_codes_; }
  const std::vector<float>& scale_scales() const { return scale_scales_; }
  float scale_mean() const { return scale_mean_; }

 private:
  std::vector<std::uint8_t> codes_;
  std::vector<float> scales_;              // of blocks; empty with double quantisation
  std::vector<std::uint8_t> scale_codes_;  // likewise, into DynamicMap::with_sign()
  std::vector<float> scale_scales_;        // of blocks of scales
  float scale_mean_ = 0;
};

/// A row in 8-bit integers, as many codes as numbers: code * largest magnitude / 127 (the weights
/// of LLM.int8(), Dettmers et al. 2022, without its outliers). Returns that magnitude. Throws
/// `Error` where a number is not finite.
float quantize_int8(std::span<const float> row, std::span<std::int8_t> codes);

/// The numbers of such a row: codes and numbers are equally many.
void dequantize_int8(std::span<const std::int8_t> codes, float largest, std::span<float> row);

}  // namespace hone
