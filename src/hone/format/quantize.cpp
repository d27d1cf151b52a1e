#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>

#include <hone/base/error.h>
#include <hone/format/quantize.h>

namespace hone {
namespace {

constexpr std::size_t kBlockNumbers = 32;

/// `value` as an IEEE half, ties to even; what is too large becomes infinite.
std::uint16_t to_half(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const auto sign = static_cast<std::uint16_t>(bits >> 16 & 0x8000);
  const float magnitude = std::abs(value);
  if (std::isnan(value)) return sign | 0x7e00;
  if (magnitude >= 65520.0f) return sign | 0x7c00;
  // Below 2^-14 halves are multiples of 2^-24; adding half a unit's worth of a float lets the
  // processor round.
  if (magnitude < 0x1p-14f) {
    const auto rounded = std::bit_cast<std::uint32_t>(magnitude + 0.5f);
    return sign | static_cast<std::uint16_t>(rounded - std::bit_cast<std::uint32_t>(0.5f));
  }
  const auto exponent_and_fraction = (bits & 0x7fffffff) - (112u << 23);
  const auto odd = exponent_and_fraction >> 13 & 1;
  return sign | static_cast<std::uint16_t>((exponent_and_fraction + 0xfff + odd) >> 13);
}

void put_scale(float scale, char* out) {
  const auto half = to_half(scale);
  std::memcpy(out, &half, sizeof half);
}

void block_q8_0(const float* x, char* out) {
  float largest = 0;
  for (std::size_t i = 0; i < kBlockNumbers; ++i) largest = std::max(largest, std::abs(x[i]));
  const float scale = largest / 127;
  const float inverse = scale == 0 ? 0 : 1 / scale;
  put_scale(scale, out);
  for (std::size_t i = 0; i < kBlockNumbers; ++i)
    out[2 + i] = static_cast<char>(static_cast<std::int8_t>(std::round(x[i] * inverse)));
}

void block_q4_0(const float* x, char* out) {
  const auto* largest = std::max_element(
      x, x + kBlockNumbers, [](float a, float b) { return std::abs(a) < std::abs(b); });
  const float scale = *largest / -8;
  const float inverse = scale == 0 ? 0 : 1 / scale;
  put_scale(scale, out);
  const auto nibble = [&](float value) {
    return std::min(static_cast<unsigned>(value * inverse + 8.5f), 15u);
  };
  constexpr auto kHalf = kBlockNumbers / 2;
  for (std::size_t i = 0; i < kHalf; ++i)
    out[2 + i] = static_cast<char>(nibble(x[i]) | nibble(x[i + kHalf]) << 4);
}

}  // namespace

bool can_quantize(GgmlType type) {
  return type == GgmlType::Q8_0 || type == GgmlType::Q4_0;
}

std::string quantize(GgmlType type, std::span<const float> values) {
  if (!can_quantize(type) || values.size() % kBlockNumbers != 0) {
    fail("cannot make blocks of ", ggml_type_name(type), " of ", values.size(),
         " numbers; Q8_0 and Q4_0 of a multiple of ", kBlockNumbers, " can be made");
  }
  const auto size = static_cast<std::size_t>(block_bytes(type));
  std::string bytes(values.size() / kBlockNumbers * size, '\0');
  auto* out = bytes.data();
  for (std::size_t i = 0; i < values.size(); i += kBlockNumbers, out += size) {
    if (type == GgmlType::Q8_0) {
      block_q8_0(values.data() + i, out);
    } else {
      block_q4_0(values.data() + i, out);
    }
  }
  return bytes;
}

}  // namespace hone
