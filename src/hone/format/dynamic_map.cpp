#include <algorithm>
#include <bit>
#include <cmath>

#include <hone/format/dynamic_map.h>

namespace hone {
namespace {

std::array<float, 256> make_values(bool is_signed) {
  std::vector<double> values = {0, 1};
  constexpr int kExponents = 7;
  for (int exponent = 0; exponent < kExponents; ++exponent) {
    // Means of neighbours among evenly spaced numbers from 0.1 to 1, at each power of ten.
    const int steps = (is_signed ? 1 : 2) << exponent;
    const double power = std::pow(10.0, exponent - (kExponents - 1));
    for (int i = 0; i < steps; ++i) {
      const double low = 0.1 + 0.9 * i / steps, high = 0.1 + 0.9 * (i + 1) / steps;
      values.push_back(power * (low + high) / 2);
      if (is_signed) values.push_back(-power * (low + high) / 2);
    }
  }
  std::sort(values.begin(), values.end());
  std::array<float, 256> table;
  std::copy(values.begin(), values.end(), table.begin());
  return table;
}

std::uint8_t nearest(const std::array<float, 256>& table, float x) {
  const auto above = std::lower_bound(table.begin(), table.end(), x);
  if (above == table.begin()) return 0;
  if (above == table.end()) return 255;
  const auto below = above - 1;
  return static_cast<std::uint8_t>((x - *below <= *above - x ? below : above) - table.begin());
}

}  // namespace

DynamicMap::DynamicMap(bool is_signed) : values_(make_values(is_signed)), first_codes_(1 << 16) {
  for (std::uint32_t top = 0; top < first_codes_.size(); ++top) {
    const bool is_negative = (top & 0x8000) != 0;
    const auto lowest = std::bit_cast<float>(top << 16 | (is_negative ? 0xffffu : 0u));
    first_codes_[top] = std::isnan(lowest) ? 0 : nearest(values_, lowest);
  }
}

const DynamicMap& DynamicMap::with_sign() {
  static const DynamicMap map(true);
  return map;
}

const DynamicMap& DynamicMap::without_sign() {
  static const DynamicMap map(false);
  return map;
}

std::uint8_t DynamicMap::encode(float x) const {
  std::size_t code = first_codes_[std::bit_cast<std::uint32_t>(x) >> 16];
  while (code < 255 && std::abs(x - values_[code + 1]) < std::abs(x - values_[code])) ++code;
  return static_cast<std::uint8_t>(code);
}

}  // namespace hone
