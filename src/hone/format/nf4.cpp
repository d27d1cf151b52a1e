#include <algorithm>
#include <cmath>

#include <hone/base/error.h>
#include <hone/format/dynamic_map.h>
#include <hone/format/nf4.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace hone {
namespace {

/// Index of the value of an ascending table that is nearest to `x`; halfway, the lower.
std::uint8_t nearest_code(const std::array<float, 16>& table, float x) {
  const auto above = std::lower_bound(table.begin(), table.end(), x);
  if (above == table.begin()) return 0;
  if (above == table.end()) return 15;
  const auto below = above - 1;
  // Against the mean, rounded to fp32, as bitsandbytes does: a difference to `x` rounds otherwise.
  const auto chosen = x <= (*below + *above) / 2 ? below : above;
  return static_cast<std::uint8_t>(chosen - table.begin());
}

float largest_magnitude(std::span<const float> numbers) {
  float largest = 0;
  for (const float number : numbers) largest = std::max(largest, std::abs(number));
  return largest;
}

void expect_finite(std::span<const float> numbers, const char* type) {
  if (!std::all_of(numbers.begin(), numbers.end(), [](float x) { return std::isfinite(x); }))
    fail(type, ": a number is not finite");
}

constexpr std::array<float, 16> kNf4Values = {-1.0f,
                                              -0.6961928009986877f,
                                              -0.5250730514526367f,
                                              -0.39491748809814453f,
                                              -0.28444138169288635f,
                                              -0.18477343022823334f,
                                              -0.09105003625154495f,
                                              0.0f,
                                              0.07958029955625534f,
                                              0.16093020141124725f,
                                              0.24611230194568634f,
                                              0.33791524171829224f,
                                              0.44070982933044434f,
                                              0.5626170039176941f,
                                              0.7229568362236023f,
                                              1.0f};

constexpr float kNf4Smallest = 1e-38f;  // a smaller scale has no finite reciprocal

/// Both values of every byte of codes, so that one load serves two numbers.
constexpr auto kNf4Pairs = [] {
  std::array<std::array<float, 2>, 256> pairs{};
  for (std::size_t codes = 0; codes < 256; ++codes)
    pairs[codes] = {kNf4Values[codes >> 4], kNf4Values[codes & 15]};
  return pairs;
}();

/// A block of 64 in fp32. All forms round the product alike.
using Nf4BlockDecoder = void (*)(const std::uint8_t* codes, float scale, float* out);

void decode_nf4_block(const std::uint8_t* __restrict codes, float scale, float* __restrict out) {
  for (std::size_t i = 0; i < Nf4Numbers::kBlock / 2; ++i) {
    const auto& pair = kNf4Pairs[codes[i]];
    out[2 * i] = pair[0] * scale;
    out[2 * i + 1] = pair[1] * scale;
  }
}

#if defined(__x86_64__)
/// The same twice as fast: the 16 products of the block stay in two registers, in which eight
/// numbers are looked up at once.
__attribute__((target("avx2"))) void decode_nf4_block_avx2(const std::uint8_t* __restrict codes,
                                                           float scale,
                                                           float* __restrict out) {
  const auto factor = _mm256_set1_ps(scale);
  const auto below = _mm256_mul_ps(_mm256_loadu_ps(kNf4Values.data()), factor);
  const auto above = _mm256_mul_ps(_mm256_loadu_ps(kNf4Values.data() + 8), factor);
  const auto nibble = _mm_set1_epi8(15);
  for (std::size_t i = 0; i < Nf4Numbers::kBlock / 2; i += 8, out += 16) {
    const auto bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(codes + i));
    auto in_order = _mm_unpacklo_epi8(_mm_and_si128(_mm_srli_epi16(bytes, 4), nibble),
                                      _mm_and_si128(bytes, nibble));
    for (int half = 0; half < 2; ++half, in_order = _mm_srli_si128(in_order, 8)) {
      const auto index = _mm256_cvtepu8_epi32(in_order);
      const auto is_above = _mm256_castsi256_ps(_mm256_slli_epi32(index, 28));
      _mm256_storeu_ps(out + 8 * half,
                       _mm256_blendv_ps(_mm256_permutevar8x32_ps(below, index),
                                        _mm256_permutevar8x32_ps(above, index), is_above));
    }
  }
}
#endif

Nf4BlockDecoder nf4_block_decoder() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) return decode_nf4_block_avx2;
#endif
  return decode_nf4_block;
}

}  // namespace

const std::array<float, 16>& nf4_values() {
  return kNf4Values;
}

Nf4Numbers::Nf4Numbers(std::span<const float> numbers, bool double_quantised) {
  const auto count = static_cast<std::int64_t>(numbers.size());
  if (count % kBlock != 0) fail("NF4 packs blocks of ", kBlock, ", not ", count, " numbers");
  expect_finite(numbers, "NF4");
  codes_.resize(numbers.size() / 2);
  for (std::int64_t block = 0; block < count / kBlock; ++block) {
    const auto own = numbers.subspan(static_cast<std::size_t>(block * kBlock), kBlock);
    const float scale = largest_magnitude(own);
    scales_.push_back(scale);
    const float factor = 1 / std::max(scale, kNf4Smallest);
    auto* codes = codes_.data() + block * kBlock / 2;
    for (std::size_t i = 0; i < kBlock; i += 2) {
      const auto upper = nearest_code(kNf4Values, own[i] * factor);
      const auto lower = nearest_code(kNf4Values, own[i + 1] * factor);
      codes[i / 2] = static_cast<std::uint8_t>(upper << 4 | lower);
    }
  }
  if (!double_quantised || scales_.empty()) return;
  double sum = 0;
  for (const float scale : scales_) sum += scale;
  scale_mean_ = static_cast<float>(sum / static_cast<double>(scales_.size()));
  for (auto& scale : scales_) scale -= scale_mean_;
  for (std::size_t first = 0; first < scales_.size(); first += kScaleBlock) {
    const auto own = std::span<const float>(scales_).subspan(
        first, std::min<std::size_t>(kScaleBlock, scales_.size() - first));
    const float largest = largest_magnitude(own);
    scale_scales_.push_back(largest);
    for (const float scale : own)
      scale_codes_.push_back(DynamicMap::with_sign().encode(largest == 0 ? 0 : scale / largest));
  }
  scales_.clear();
  scales_.shrink_to_fit();
}

std::int64_t Nf4Numbers::bytes() const {
  return static_cast<std::int64_t>(codes_.size() + scale_codes_.size() +
                                   sizeof(float) * (scales_.size() + scale_scales_.size()));
}

float Nf4Numbers::scale(std::int64_t block) const {
  const auto at = static_cast<std::size_t>(block);
  if (!scales_.empty()) return scales_[at];
  return DynamicMap::with_sign()[scale_codes_[at]] * scale_scales_[at / kScaleBlock] + scale_mean_;
}

void Nf4Numbers::decode(std::int64_t first, std::span<float> out) const {
  const auto decode_block = nf4_block_decoder();
  const auto* codes = codes_.data() + first / 2;
  for (std::size_t from = 0; from < out.size(); from += kBlock) {
    decode_block(codes + from / 2, scale((first + static_cast<std::int64_t>(from)) / kBlock),
                 out.data() + from);
  }
}

float quantize_int8(std::span<const float> row, std::span<std::int8_t> codes) {
  expect_finite(row, "INT8");
  const float largest = largest_magnitude(row);
  const float factor = 127 / std::max(largest, 1e-36f);  // finite
  for (std::size_t i = 0; i < row.size(); ++i)
    codes[i] = static_cast<std::int8_t>(std::lrint(row[i] * factor));
  return largest;
}

void dequantize_int8(std::span<const std::int8_t> codes, float largest, std::span<float> row) {
  // Two products, rounded one after the other as in bitsandbytes.
  constexpr float kStep = 1.0f / 127;
  for (std::size_t i = 0; i < codes.size(); ++i)
    row[i] = static_cast<float>(codes[i]) * largest * kStep;
}

}  // namespace hone
