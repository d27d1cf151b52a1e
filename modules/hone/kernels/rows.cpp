#include <hone/kernels/rows.h>

namespace hone::kernels {

HONE_VECTORIZED void widen(const c10::BFloat16* from, float* to, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    const std::uint32_t bits = static_cast<std::uint32_t>(from[i].x) << 16;
    std::memcpy(to + i, &bits, sizeof bits);
  }
}

HONE_VECTORIZED void narrow(const float* from, c10::BFloat16* to, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    std::uint32_t bits;
    std::memcpy(&bits, from + i, sizeof bits);
    const bool is_nan = (bits & 0x7fffffffu) > 0x7f800000u;
    const std::uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
    to[i].x = static_cast<std::uint16_t>(is_nan ? 0x7fc0u : rounded);
  }
}

}  // namespace hone::kernels
