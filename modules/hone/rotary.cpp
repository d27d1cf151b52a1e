#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <stdexcept>

#include <ATen/ATen.h>

#include <hone/rotary.h>

namespace hone {
namespace {

/// theta^(-2i/d), computed in fp32 as transformers does.
Tensor plain_frequencies(std::int64_t size, double theta) {
  const auto exponents =
      at::arange(0, size, 2, at::kLong).to(at::kFloat) / static_cast<double>(size);
  return 1.0 / at::pow(theta, exponents);
}

/// The llama3 rule: long wavelengths are divided by `factor`, short ones stay, those between are
/// blended.
Tensor stretch_llama3(const Tensor& frequencies, const RopeScaling& scaling) {
  const auto original = static_cast<double>(scaling.original_max_position_embeddings);
  const auto wavelength = 2 * std::numbers::pi / frequencies;
  const auto blend = (original / wavelength - scaling.low_freq_factor) /
                     (scaling.high_freq_factor - scaling.low_freq_factor);
  const auto blended = (1 - blend) * frequencies / scaling.factor + blend * frequencies;
  auto result = at::where(wavelength > original / scaling.low_freq_factor,
                          frequencies / scaling.factor, frequencies);
  const auto between = (wavelength <= original / scaling.low_freq_factor)
                           .logical_and(wavelength >= original / scaling.high_freq_factor);
  return at::where(between, blended, result);
}

/// YaRN (Peng et al. 2023): channels are blended between both by how often they turn within the
/// trained context.
Tensor stretch_yarn(const Tensor& frequencies, double theta, const RopeScaling& scaling) {
  const auto half = frequencies.size(0);
  const auto size = static_cast<double>(2 * half);
  const auto channel_of = [&](double turns) {
    const auto wavelength = static_cast<double>(scaling.original_max_position_embeddings) /
                            (turns * 2 * std::numbers::pi);
    return size * std::log(wavelength) / (2 * std::log(theta));
  };
  double low = channel_of(scaling.beta_fast), high = channel_of(scaling.beta_slow);
  if (scaling.truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, size - 1);
  if (low == high) high += 0.001;
  const auto ramp = ((at::arange(half, at::kFloat) - low) / (high - low)).clamp(0, 1);
  return frequencies / scaling.factor * ramp + frequencies * (1 - ramp);
}

/// The base grows with the length, so that the slowest channel spans it (NTK-aware scaling).
double dynamic_theta(
    double theta, double factor, std::int64_t length, std::int64_t context, std::int64_t size) {
  const auto stretch =
      factor * static_cast<double>(std::max(length, context)) / static_cast<double>(context) -
      (factor - 1);
  const auto d = static_cast<double>(size);
  return theta * std::pow(stretch, d / (d - 2));
}

}  // namespace

std::int64_t rotary_dim(std::int64_t head_dim, double partial_rotary_factor) {
  return static_cast<std::int64_t>(static_cast<double>(head_dim) * partial_rotary_factor);
}

void validate(const RopeScaling& scaling, std::int64_t rotary_size) {
  const auto check = [](bool holds, const char* message) {
    if (!holds) throw std::invalid_argument(message);
  };
  const std::array<std::string_view, 6> known = {"default", "linear",   "dynamic",
                                                 "yarn",    "longrope", "llama3"};
  check(std::find(known.begin(), known.end(), scaling.rope_type) != known.end(),
        "rope_type must be default, linear, dynamic, yarn, longrope or llama3");
  check(rotary_size > 0 && rotary_size % 2 == 0, "the rotated part of a head must be even");
  check(scaling.factor > 0, "rope factor must be positive");
  check(scaling.high_freq_factor > scaling.low_freq_factor,
        "high_freq_factor must be above low_freq_factor");
  check(scaling.original_max_position_embeddings > 0,
        "original_max_position_embeddings must be positive");
  check(scaling.attention_factor > 0, "attention_factor must be positive");
  check(scaling.rope_type != "dynamic" || rotary_size > 2, "a dynamic rope needs a larger head");
  if (scaling.rope_type != "longrope") return;
  for (const auto* factors : {&scaling.short_factor, &scaling.long_factor}) {
    check(static_cast<std::int64_t>(factors->size()) == rotary_size / 2,
          "short_factor and long_factor need a number for each rotated pair of channels");
    check(std::all_of(factors->begin(), factors->end(), [](double f) { return f > 0; }),
          "short_factor and long_factor must be positive");
  }
}

Tensor rotary_frequencies(std::int64_t size,
                          double theta,
                          const RopeScaling& scaling,
                          std::int64_t context,
                          std::int64_t length) {
  const auto& type = scaling.rope_type;
  if (type == "dynamic")
    return plain_frequencies(size, dynamic_theta(theta, scaling.factor, length, context, size));
  const auto plain = plain_frequencies(size, theta);
  if (type == "linear") return plain / scaling.factor;
  if (type == "llama3") return stretch_llama3(plain, scaling);
  if (type == "yarn") return stretch_yarn(plain, theta, scaling);
  if (type == "longrope") {
    const bool is_long = length > scaling.original_max_position_embeddings;
    const auto& factors = is_long ? scaling.long_factor : scaling.short_factor;
    return plain / at::tensor(factors, at::kFloat);
  }
  return plain;
}

RotaryTable::RotaryTable(std::int64_t size, double theta, RopeScaling scaling, std::int64_t context)
    : size_(size),
      theta_(theta),
      scaling_(std::move(scaling)),
      context_(context),
      frequencies_(rotary_frequencies(size_, theta_, scaling_, context_)) {}

bool RotaryTable::depends_on_length() const {
  return scaling_.rope_type == "dynamic" || scaling_.rope_type == "longrope";
}

Rotation RotaryTable::at_positions(const Tensor& positions,
                                   const std::vector<std::int64_t>& lengths,
                                   const std::vector<std::int64_t>& past) const {
  auto rows = frequencies_.unsqueeze(0);
  if (depends_on_length()) {
    std::vector<Tensor> own;
    for (std::size_t s = 0; s < lengths.size(); ++s)
      own.push_back(rotary_frequencies(size_, theta_, scaling_, context_, past[s] + lengths[s])
                        .unsqueeze(0)
                        .expand({lengths[s], -1}));
    rows = at::cat(own);
  }
  const auto angles = positions.to(at::kFloat).unsqueeze(1) * rows.to(positions.device());
  const auto factor = scaling_.attention_factor;
  if (factor == 1) return {angles.cos(), angles.sin()};
  return {angles.cos() * factor, angles.sin() * factor};
}

}  // namespace hone
