#include <algorithm>
#include <array>
#include <cmath>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <hone/format/dynamic_map.h>
#include <hone/training/adamw_8bit.h>

namespace hone {
namespace {

using Block = std::array<float, static_cast<std::size_t>(kMomentBlock)>;

void decode(const DynamicMap& map, const std::uint8_t* codes, float scale, Block& out, int size) {
  for (int i = 0; i < size; ++i) out[static_cast<std::size_t>(i)] = map[codes[i]] * scale;
}

/// Returns the scale.
float encode(const DynamicMap& map, const Block& numbers, std::uint8_t* codes, int size) {
  float largest = 0;
  for (int i = 0; i < size; ++i)
    largest = std::max(largest, std::abs(numbers[static_cast<std::size_t>(i)]));
  const float scale = largest == 0 ? 1 : largest;
  for (int i = 0; i < size; ++i)
    codes[i] = map.encode(numbers[static_cast<std::size_t>(i)] / scale);
  return scale;
}

}  // namespace

void adamw_8bit_update(at::Tensor parameter,
                       const at::Tensor& gradient,
                       OptimizerState& state,
                       const AdamW8BitStep& c) {
  TORCH_CHECK(parameter.scalar_type() == at::kFloat && gradient.scalar_type() == at::kFloat &&
                  parameter.is_contiguous() && gradient.is_contiguous() &&
                  parameter.device().is_cpu(),
              "adamw_8bit: the parameter and its gradient must be contiguous fp32 on the CPU");
  const auto count = parameter.numel();
  auto* numbers = parameter.mutable_data_ptr<float>();
  const auto* slopes = gradient.const_data_ptr<float>();
  auto* codes1 = state.at("state1").mutable_data_ptr<std::uint8_t>();
  auto* codes2 = state.at("state2").mutable_data_ptr<std::uint8_t>();
  auto* scales1 = state.at("absmax1").mutable_data_ptr<float>();
  auto* scales2 = state.at("absmax2").mutable_data_ptr<float>();
  const auto &map1 = DynamicMap::with_sign(), &map2 = DynamicMap::without_sign();
  const auto beta1 = static_cast<float>(c.beta1), beta2 = static_cast<float>(c.beta2);
  const auto new1 = static_cast<float>(1 - c.beta1), new2 = static_cast<float>(1 - c.beta2);
  const auto steps = static_cast<double>(c.step);
  const auto length = static_cast<float>(c.rate / (1 - std::pow(c.beta1, steps)));
  const auto root = static_cast<float>(std::sqrt(1 - std::pow(c.beta2, steps)));
  const auto epsilon = static_cast<float>(c.epsilon);
  const auto kept = static_cast<float>(1 - c.rate * c.decay);
  constexpr std::int64_t kGrain = 16;  // blocks of one task
  at::parallel_for(0, moment_blocks(count), kGrain, [&](std::int64_t begin, std::int64_t end) {
    Block m, v;
    for (auto block = begin; block < end; ++block) {
      const auto first = block * kMomentBlock;
      const auto size = static_cast<int>(std::min(kMomentBlock, count - first));
      decode(map1, codes1 + first, scales1[block], m, size);
      decode(map2, codes2 + first, scales2[block], v, size);
      for (int i = 0; i < size; ++i) {
        const auto at = static_cast<std::size_t>(i);
        const float g = slopes[first + i];
        m[at] = m[at] * beta1 + g * new1;
        v[at] = v[at] * beta2 + g * g * new2;
        numbers[first + i] =
            numbers[first + i] * kept - length * m[at] / (std::sqrt(v[at]) / root + epsilon);
      }
      scales1[block] = encode(map1, m, codes1 + first, size);
      scales2[block] = encode(map2, v, codes2 + first, size);
    }
  });
}

}  // namespace hone
