// Row kernels in plain C++ that the compiler vectorises for the processor at hand.
#pragma once

#include <cstdint>
#include <cstring>

// Compiles a function once for AVX-512, once for AVX2 with FMA and once for any processor, chosen
// when the program starts. The sanitizers cannot run the code that chooses. A loop vectorises only
// if its selections need no branch, which g++ must be told also for the functions that are inlined
// there.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__)
#define HONE_BRANCHLESS __attribute__((optimize("O3", "no-trapping-math")))
#define HONE_VECTORIZED                                                 \
  __attribute__((target_clones("avx512f", "arch=x86-64-v3", "default"), \
                 optimize("O3", "no-trapping-math")))
#else
#define HONE_BRANCHLESS
#define HONE_VECTORIZED
#endif

namespace hone::kernels {

/// Sums and maxima of a row are taken in so many lanes, so in one order on every processor.
inline constexpr int kLanes = 16;

/// e^x to about 2 units in the last place, without a call or a branch, so that loops over it
/// vectorise. Below -87.3, where no normal number is left, it gives 0; above 88 one near the
/// largest.
HONE_BRANCHLESS inline float fast_exp(float x) {
  x = x < -87.3f ? -88.0f : (x > 88.0f ? 88.0f : x);
  // x = n ln 2 + r with |r| <= ln 2 / 2; ln 2 in two parts keeps r exact.
  const float scaled = x * 1.44269504f;
  const auto n = static_cast<std::int32_t>(scaled + (scaled < 0 ? -0.5f : 0.5f));
  const auto whole = static_cast<float>(n);
  const float r = (x - whole * 0.693359375f) + whole * 2.12194440e-4f;
  // Minimax polynomial of e^r.
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  const std::int32_t bits = (n + 127) << 23;  // 2^n; at n = -127 zero
  float power;
  std::memcpy(&power, &bits, sizeof power);
  return p * power;
}

}  // namespace hone::kernels
