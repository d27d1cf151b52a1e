#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include <hone/base/error.h>
#include <hone/format/quants.h>

namespace hone {
namespace {

using Byte = unsigned char;

std::uint16_t load16(const Byte* from) {
  std::uint16_t value;
  std::memcpy(&value, from, sizeof(value));
  return value;
}

/// IEEE half precision to single, exact. Masks instead of branches, so that a loop over it becomes
/// vector code.
float half_to_float(std::uint16_t half) {
  const std::int32_t bits = half;
  const std::int32_t magnitude = bits & 0x7fff;
  constexpr std::int32_t kRebias = (127 - 15) << 23;
  const std::int32_t infinite = -static_cast<std::int32_t>(magnitude > 0x7bff);
  const std::int32_t subnormal = -static_cast<std::int32_t>(magnitude < 0x0400);
  const std::int32_t normal = (magnitude << 13) + kRebias + (infinite & kRebias);
  // Below 2^-14 the value is its integer times 2^-24. Computed so, it does not depend on
  // flush-to-zero.
  const std::int32_t small = std::bit_cast<std::int32_t>(static_cast<float>(magnitude) * 0x1p-24f);
  const std::int32_t absolute = (small & subnormal) | (normal & ~subnormal);
  const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x8000) << 16;
  return std::bit_cast<float>(static_cast<std::uint32_t>(absolute) | sign);
}

float half_at(const Byte* from) {
  return half_to_float(load16(from));
}

// One decoder for each type: a block of bytes to a block of floats, in the order of operations of
// the reference implementation, so that every rounding is the same.

void decode_q4_0(const Byte* __restrict block, float* __restrict out) {
  const float scale = half_at(block);
  const Byte* quants = block + 2;
  for (int i = 0; i < 16; ++i) {
    out[i] = scale * static_cast<float>((quants[i] & 15) - 8);
    out[i + 16] = scale * static_cast<float>((quants[i] >> 4) - 8);
  }
}

void decode_q4_1(const Byte* __restrict block, float* __restrict out) {
  const float scale = half_at(block);
  const float minimum = half_at(block + 2);
  const Byte* quants = block + 4;
  for (int i = 0; i < 16; ++i) {
    out[i] = scale * static_cast<float>(quants[i] & 15) + minimum;
    out[i + 16] = scale * static_cast<float>(quants[i] >> 4) + minimum;
  }
}

/// The fifth bits: bit i of the four bytes belongs to element i. Returns them at their weight, 16.
std::array<Byte, 32> fifth_bits(const Byte* bits) {
  constexpr Byte kBit[8] = {1, 2, 4, 8, 16, 32, 64, 128};
  std::array<Byte, 32> high;
  for (int byte = 0; byte < 4; ++byte) {
    for (int i = 0; i < 8; ++i) high[byte * 8 + i] = (bits[byte] & kBit[i]) != 0 ? 16 : 0;
  }
  return high;
}

void decode_q5_0(const Byte* __restrict block, float* __restrict out) {
  const float scale = half_at(block);
  const auto high = fifth_bits(block + 2);
  const Byte* quants = block + 6;
  for (int i = 0; i < 16; ++i) {
    out[i] = scale * static_cast<float>(((quants[i] & 15) | high[i]) - 16);
    out[i + 16] = scale * static_cast<float>(((quants[i] >> 4) | high[i + 16]) - 16);
  }
}

void decode_q5_1(const Byte* __restrict block, float* __restrict out) {
  const float scale = half_at(block);
  const float minimum = half_at(block + 2);
  const auto high = fifth_bits(block + 4);
  const Byte* quants = block + 8;
  for (int i = 0; i < 16; ++i) {
    out[i] = scale * static_cast<float>((quants[i] & 15) | high[i]) + minimum;
    out[i + 16] = scale * static_cast<float>((quants[i] >> 4) | high[i + 16]) + minimum;
  }
}

void decode_q8_0(const Byte* __restrict block, float* __restrict out) {
  const float scale = half_at(block);
  for (int i = 0; i < 32; ++i)
    out[i] = scale * static_cast<float>(static_cast<std::int8_t>(block[2 + i]));
}

// The K types: 256 elements in 16 runs of 16 (2, 3, 6 bits) or 8 runs of 32 (4, 5 bits), each run
// with its scale.

/// 2-bit quants: 2 halves of 32 bytes; each holds four rows of 32 elements, two bits apart.
int two_bits(const Byte* quants, int row, int i) {
  return quants[row / 4 * 32 + i] >> (row % 4 * 2) & 3;
}

void decode_q2_k(const Byte* __restrict block, float* __restrict out) {
  const Byte* scales = block;
  const Byte* quants = block + 16;
  const float scale = half_at(block + 80);
  const float minimum = half_at(block + 82);
  for (int run = 0; run < 16; ++run) {
    const float run_scale = scale * static_cast<float>(scales[run] & 15);
    const float run_minimum = minimum * static_cast<float>(scales[run] >> 4);
    const int row = run / 2;
    const int first = run % 2 * 16;
    for (int i = 0; i < 16; ++i) {
      out[run * 16 + i] =
          run_scale * static_cast<float>(two_bits(quants, row, first + i)) - run_minimum;
    }
  }
}

void decode_q3_k(const Byte* __restrict block, float* __restrict out) {
  const Byte* high = block;
  const Byte* quants = block + 32;
  const Byte* scales = block + 96;
  const float scale = half_at(block + 108);
  for (int run = 0; run < 16; ++run) {
    // Six bits: four in the first 8 bytes, two in the last 4.
    const int low = scales[run % 8] >> (run / 8 * 4) & 15;
    const int top = scales[8 + run % 4] >> (run / 4 * 2) & 3;
    const float run_scale = scale * static_cast<float>((low | top << 4) - 32);
    const int row = run / 2;
    const int first = run % 2 * 16;
    for (int i = 0; i < 16; ++i) {
      // The third bit is kept inverted: where it is clear, 4 is subtracted.
      const int offset = (high[first + i] >> row & 1) == 0 ? 4 : 0;
      out[run * 16 + i] = run_scale * static_cast<float>(two_bits(quants, row, first + i) - offset);
    }
  }
}

struct RunScale {
  float scale;
  float minimum;
};

/// Scales and minima of Q4_K and Q5_K: eight of each, six bits wide, packed into 12 bytes.
RunScale run_scale(const Byte* block, int run) {
  const Byte* packed = block + 4;
  int scale;
  int minimum;
  if (run < 4) {
    scale = packed[run] & 63;
    minimum = packed[run + 4] & 63;
  } else {
    scale = (packed[run + 4] & 15) | (packed[run - 4] >> 2 & 0x30);
    minimum = packed[run + 4] >> 4 | (packed[run] >> 2 & 0x30);
  }
  return {half_at(block) * static_cast<float>(scale),
          half_at(block + 2) * static_cast<float>(minimum)};
}

void decode_q4_k(const Byte* __restrict block, float* __restrict out) {
  const Byte* quants = block + 16;
  for (int run = 0; run < 8; ++run) {
    const auto [scale, minimum] = run_scale(block, run);
    const Byte* bytes = quants + run / 2 * 32;
    const int shift = run % 2 * 4;
    for (int i = 0; i < 32; ++i) {
      out[run * 32 + i] = scale * static_cast<float>(bytes[i] >> shift & 15) - minimum;
    }
  }
}

void decode_q5_k(const Byte* __restrict block, float* __restrict out) {
  const Byte* high = block + 16;
  const Byte* quants = block + 48;
  for (int run = 0; run < 8; ++run) {
    const auto [scale, minimum] = run_scale(block, run);
    const Byte* bytes = quants + run / 2 * 32;
    const int shift = run % 2 * 4;
    for (int i = 0; i < 32; ++i) {
      const int quant = (bytes[i] >> shift & 15) | (high[i] >> run & 1) << 4;
      out[run * 32 + i] = scale * static_cast<float>(quant) - minimum;
    }
  }
}

void decode_q6_k(const Byte* __restrict block, float* __restrict out) {
  const float scale = half_at(block + 208);
  for (int run = 0; run < 16; ++run) {
    const float run_scale = scale * static_cast<float>(static_cast<std::int8_t>(block[192 + run]));
    // Rows of 32: each half of 128 elements has four; the low nibbles hold rows 0 and 1, the high
    // ones 2 and 3.
    const int half = run / 8;
    const int row = run / 2 % 4;
    const int first = run % 2 * 16;
    const Byte* low = block + half * 64 + row % 2 * 32 + first;
    const Byte* high = block + 128 + half * 32 + first;
    for (int i = 0; i < 16; ++i) {
      const int quant = (low[i] >> (row / 2 * 4) & 15) | (high[i] >> (row * 2) & 3) << 4;
      out[run * 16 + i] = run_scale * static_cast<float>(quant - 32);
    }
  }
}

template <void (*decode)(const Byte* __restrict, float* __restrict)>
void decode_blocks(GgmlType type, std::string_view bytes, float* out) {
  const auto* block = reinterpret_cast<const Byte*>(bytes.data());
  const auto block_size = block_bytes(type);
  const auto elements = block_elements(type);
  const auto count = static_cast<std::int64_t>(bytes.size()) / block_size;
  for (std::int64_t i = 0; i < count; ++i) decode(block + i * block_size, out + i * elements);
}

void decode_f16(std::string_view bytes, std::span<float> out) {
  const auto* from = reinterpret_cast<const Byte*>(bytes.data());
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = half_at(from + 2 * i);
}

void decode_bf16(std::string_view bytes, std::span<float> out) {
  const auto* from = reinterpret_cast<const Byte*>(bytes.data());
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = std::bit_cast<float>(static_cast<std::uint32_t>(load16(from + 2 * i)) << 16);
  }
}

}  // namespace

void dequantize(GgmlType type, std::string_view bytes, std::span<float> out) {
  const auto elements = block_elements(type);
  const auto block_size = block_bytes(type);
  const auto count = static_cast<std::int64_t>(out.size());
  if (count % elements != 0 ||
      count / elements * block_size != static_cast<std::int64_t>(bytes.size())) {
    fail(ggml_type_name(type), ": ", count, " elements do not fit ", bytes.size(),
         " bytes (blocks of ", elements, " elements in ", block_size, " bytes)");
  }
  switch (type) {
    case GgmlType::F32:
      if (!bytes.empty()) std::memcpy(out.data(), bytes.data(), bytes.size());
      return;
    case GgmlType::F16:
      decode_f16(bytes, out);
      return;
    case GgmlType::BF16:
      decode_bf16(bytes, out);
      return;
    case GgmlType::Q4_0:
      decode_blocks<decode_q4_0>(type, bytes, out.data());
      return;
    case GgmlType::Q4_1:
      decode_blocks<decode_q4_1>(type, bytes, out.data());
      return;
    case GgmlType::Q5_0:
      decode_blocks<decode_q5_0>(type, bytes, out.data());
      return;
    case GgmlType::Q5_1:
      decode_blocks<decode_q5_1>(type, bytes, out.data());
      return;
    case GgmlType::Q8_0:
      decode_blocks<decode_q8_0>(type, bytes, out.data());
      return;
    case GgmlType::Q2_K:
      decode_blocks<decode_q2_k>(type, bytes, out.data());
      return;
    case GgmlType::Q3_K:
      decode_blocks<decode_q3_k>(type, bytes, out.data());
      return;
    case GgmlType::Q4_K:
      decode_blocks<decode_q4_k>(type, bytes, out.data());
      return;
    case GgmlType::Q5_K:
      decode_blocks<decode_q5_k>(type, bytes, out.data());
      return;
    case GgmlType::Q6_K:
      decode_blocks<decode_q6_k>(type, bytes, out.data());
      return;
  }
}

void dequantize_range(GgmlType type,
                      std::string_view bytes,
                      std::int64_t first,
                      std::span<float> out) {
  const auto elements = block_elements(type);
  const auto block_size = block_bytes(type);
  const auto blocks = static_cast<std::int64_t>(bytes.size()) / block_size;
  const auto count = static_cast<std::int64_t>(out.size());
  if (first < 0 || first % elements != 0 || count % elements != 0 ||
      first / elements + count / elements > blocks) {
    fail(ggml_type_name(type), ": elements ", first, " to ", first + count,
         " are not whole blocks of ", elements, " within ", blocks, " blocks");
  }
  const auto begin = static_cast<std::size_t>(first / elements * block_size);
  const auto size = static_cast<std::size_t>(count / elements * block_size);
  dequantize(type, bytes.substr(begin, size), out);
}

}  // namespace hone
