#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <hone/base/error.h>
#include <hone/base/split_mix.h>
#include <hone/data/mixture.h>

namespace hone {
namespace {

std::vector<double> shares(std::vector<double> parts) {
  const auto sum = std::accumulate(parts.begin(), parts.end(), 0.0);
  if (sum > 0.0) {
    for (auto& part : parts) part /= sum;
  }
  return parts;
}

/// Fisher and Yates.
template <typename Item>
void shuffle(std::vector<Item>& items, SplitMix& random) {
  for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[random.below(i)]);
}

}  // namespace

std::uint64_t derive_seed(std::uint64_t seed, std::uint64_t a, std::uint64_t b) {
  return SplitMix(SplitMix(SplitMix(seed)() ^ a)() ^ b)();
}

std::vector<double> proportional_rates(const std::vector<std::uint64_t>& counts,
                                       std::uint64_t cap) {
  std::vector<double> parts;
  for (const auto count : counts)
    parts.push_back(static_cast<double>(cap == 0 ? count : std::min(count, cap)));
  return shares(std::move(parts));
}

std::vector<double> weighted_rates(const std::vector<double>& weights,
                                   const std::vector<std::uint64_t>& counts) {
  std::vector<double> parts;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (!std::isfinite(weights[i]) || weights[i] < 0.0)
      fail("a weight must be 0 or more, got ", weights[i]);
    parts.push_back(counts[i] == 0 ? 0.0 : weights[i]);
  }
  if (std::ranges::none_of(parts, [](double part) { return part > 0.0; }))
    fail("no source with rows has a weight above 0");
  return shares(std::move(parts));
}

std::vector<std::uint64_t> quotas(const std::vector<double>& rates, std::uint64_t total) {
  std::vector<std::uint64_t> whole;
  std::vector<double> rest;
  std::uint64_t given = 0;
  for (const auto rate : rates) {
    const auto exact = rate * static_cast<double>(total);
    // A sum of rounded rates may come out a hair below the whole number that is meant.
    const auto part = static_cast<std::uint64_t>(std::floor(exact + 1e-9 * exact));
    whole.push_back(part);
    rest.push_back(exact - static_cast<double>(part));
    given += part;
  }
  std::vector<std::size_t> order(rates.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) { return rest[a] > rest[b]; });
  for (std::size_t i = 0; given < total && i < order.size(); ++i) {
    if (rates[order[i]] <= 0.0) continue;
    ++whole[order[i]];
    ++given;
  }
  return whole;
}

std::uint64_t largest_total(const std::vector<double>& rates,
                            const std::vector<std::uint64_t>& counts) {
  double total = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < rates.size(); ++i) {
    if (rates[i] > 0.0) total = std::min(total, static_cast<double>(counts[i]) / rates[i]);
  }
  return std::isfinite(total) ? static_cast<std::uint64_t>(std::floor(total * (1.0 + 1e-12))) : 0;
}

std::vector<Pick> pick_rows(const std::vector<std::uint64_t>& quota,
                            const std::vector<std::uint64_t>& counts,
                            std::uint64_t seed) {
  std::vector<Pick> picks;
  for (std::size_t source = 0; source < quota.size(); ++source) {
    if (quota[source] > 0 && counts[source] == 0) fail("a source without rows cannot give any");
    SplitMix random(derive_seed(seed, source, 1));
    std::vector<std::uint64_t> order(quota[source] > 0 ? counts[source] : 0);
    std::iota(order.begin(), order.end(), std::uint64_t{0});
    for (std::uint64_t i = 0; i < quota[source]; ++i) {
      if (i % counts[source] == 0) shuffle(order, random);
      picks.push_back({static_cast<std::uint32_t>(source),
                       static_cast<std::uint32_t>(i / counts[source]), order[i % counts[source]]});
    }
  }
  SplitMix random(derive_seed(seed, quota.size(), 2));
  shuffle(picks, random);
  return picks;
}

}  // namespace hone
