// The dynamic 8-bit type (Dettmers 2016) that bitsandbytes keeps scales and moments in.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace hone {

/// 256 values, finer towards 0: at each power of ten from 1e-6 to 1 twice as many as at the one
/// below. Numbers are divided by the largest magnitude of their block before they are encoded.
class DynamicMap {
 public:
  /// Ascending in [-0.993, 1].
  static const DynamicMap& with_sign();
  /// Ascending in [0, 1], for numbers that are never negative.
  static const DynamicMap& without_sign();

  const std::array<float, 256>& values() const { return values_; }
  float operator[](std::uint8_t code) const { return values_[code]; }

  /// The code of the value nearest to `x`; halfway, the lower. `x` is finite.
  std::uint8_t encode(float x) const;

 private:
  explicit DynamicMap(bool is_signed);

  std::array<float, 256> values_;
  /// Of the lowest number that begins with these 16 bits: few values are nearer to the others.
  /// With it a number takes 5 ns instead of the 41 of a binary search.
  std::vector<std::uint8_t> first_codes_;
};

}  // namespace hone
