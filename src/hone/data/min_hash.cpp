#include <algorithm>
#include <cmath>
#include <limits>

#include <hone/base/split_mix.h>
#include <hone/data/min_hash.h>

namespace hone {
namespace {

constexpr double kWantedProbability = 0.95;

void make_set(std::vector<std::uint64_t>& values) {
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
}

}  // namespace

double jaccard(std::vector<std::uint64_t> a, std::vector<std::uint64_t> b) {
  make_set(a);
  make_set(b);
  if (a.empty() && b.empty()) return 1.0;
  std::size_t both = 0;
  for (std::size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    if (a[i] == b[j]) ++both;
    const bool steps_a = a[i] <= b[j];
    const bool steps_b = b[j] <= a[i];
    i += steps_a ? 1 : 0;
    j += steps_b ? 1 : 0;
  }
  return static_cast<double>(both) / static_cast<double>(a.size() + b.size() - both);
}

MinHash::MinHash(std::size_t size, std::uint64_t seed) {
  SplitMix random(seed);
  for (std::size_t i = 0; i < size; ++i) keys_.push_back(random());
}

std::vector<std::uint64_t> MinHash::operator()(const std::vector<std::uint64_t>& hashes) const {
  std::vector<std::uint64_t> least(keys_.size(), std::numeric_limits<std::uint64_t>::max());
  for (const auto hash : hashes) {
    for (std::size_t i = 0; i < keys_.size(); ++i)
      least[i] = std::min(least[i], SplitMix(hash ^ keys_[i])());
  }
  return least;
}

double similarity(const std::vector<std::uint64_t>& a, const std::vector<std::uint64_t>& b) {
  std::size_t equal = 0;
  for (std::size_t i = 0; i < a.size(); ++i) equal += a[i] == b[i] ? 1 : 0;
  return a.empty() ? 1.0 : static_cast<double>(equal) / static_cast<double>(a.size());
}

double meeting_probability(const Bands& bands, double jaccard) {
  const auto one = std::pow(jaccard, static_cast<double>(bands.rows));
  return 1.0 - std::pow(1.0 - one, static_cast<double>(bands.bands));
}

Bands choose_bands(std::size_t size, double threshold) {
  for (std::size_t rows = size; rows > 1; --rows) {
    const Bands bands{.bands = size / rows, .rows = rows};
    if (meeting_probability(bands, threshold) >= kWantedProbability) return bands;
  }
  return {.bands = size, .rows = 1};
}

}  // namespace hone
