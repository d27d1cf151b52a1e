#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include <hone/base/error.h>
#include <hone/generation/sampling.h>

namespace hone {
namespace {

bool is_share(double value) {
  return value >= 0 && value <= 1;
}

std::vector<float> penalised(std::span<const float> logits,
                             double penalty,
                             std::span<const std::int64_t> seen) {
  std::vector<float> result(logits.begin(), logits.end());
  for (const auto id : std::set<std::int64_t>(seen.begin(), seen.end())) {
    auto& logit = result.at(static_cast<std::size_t>(id));
    logit = static_cast<float>(logit > 0 ? logit / penalty : logit * penalty);
  }
  return result;
}

std::int64_t likeliest(std::span<const float> logits) {
  return std::max_element(logits.begin(), logits.end()) - logits.begin();
}

/// Divides by the sum, so that what is left is a distribution.
void normalise(std::vector<Candidate>& kept) {
  double sum = 0;
  for (const auto& candidate : kept) sum += candidate.probability;
  for (auto& candidate : kept) candidate.probability /= sum;
}

/// The candidates in falling order of logits, no more than `limit`, with softmax probabilities.
std::vector<Candidate> ranked(std::span<const float> logits,
                              double temperature,
                              std::size_t limit) {
  std::vector<std::int64_t> order(logits.size());
  std::iota(order.begin(), order.end(), std::int64_t{0});
  const auto above = [&](std::int64_t a, std::int64_t b) {
    const auto left = logits[static_cast<std::size_t>(a)],
               right = logits[static_cast<std::size_t>(b)];
    return left != right ? left > right : a < b;
  };
  const auto middle = order.begin() + static_cast<std::ptrdiff_t>(std::min(limit, order.size()));
  std::partial_sort(order.begin(), middle, order.end(), above);
  order.erase(middle, order.end());
  const double top = logits[static_cast<std::size_t>(order.front())];
  std::vector<Candidate> kept;
  for (const auto id : order) {
    kept.push_back({id, std::exp((logits[static_cast<std::size_t>(id)] - top) / temperature)});
  }
  normalise(kept);
  return kept;
}

void keep_top_p(std::vector<Candidate>& kept, double top_p) {
  double reached = 0;
  std::size_t count = 0;
  // Rounding must not let a sum that equals top_p on paper take one token more.
  constexpr double kSlack = 1e-9;
  while (count < kept.size() && (count == 0 || reached < top_p - kSlack))
    reached += kept[count++].probability;
  kept.resize(count);
}

void keep_min_p(std::vector<Candidate>& kept, double min_p) {
  const double floor = min_p * kept.front().probability;
  std::erase_if(kept, [&](const Candidate& candidate) { return candidate.probability < floor; });
}

}  // namespace

void validate(const SamplingConfig& config) {
  check_option(std::isfinite(config.temperature) && config.temperature >= 0,
               "temperature must be 0 or positive");
  check_option(config.top_k >= 0, "top_k must be 0 (all) or positive");
  check_option(is_share(config.top_p), "top_p must be in [0, 1]");
  check_option(is_share(config.min_p), "min_p must be in [0, 1]");
  check_option(std::isfinite(config.repetition_penalty) && config.repetition_penalty > 0,
               "repetition_penalty must be positive");
}

std::vector<Candidate> candidates(std::span<const float> logits,
                                  const SamplingConfig& config,
                                  std::span<const std::int64_t> seen) {
  std::vector<float> changed;
  if (config.repetition_penalty != 1) {
    changed = penalised(logits, config.repetition_penalty, seen);
    logits = changed;
  }
  if (config.temperature == 0) return {{likeliest(logits), 1}};
  const auto limit = config.top_k > 0 ? static_cast<std::size_t>(config.top_k) : logits.size();
  auto kept = ranked(logits, config.temperature, limit);
  if (config.top_p < 1) keep_top_p(kept, config.top_p);
  if (config.min_p > 0) keep_min_p(kept, config.min_p);
  normalise(kept);
  return kept;
}

std::int64_t sample(std::span<const float> logits,
                    const SamplingConfig& config,
                    std::span<const std::int64_t> seen,
                    SplitMix& random) {
  if (config.temperature == 0 && config.repetition_penalty == 1) return likeliest(logits);
  const auto kept = candidates(logits, config, seen);
  if (kept.size() == 1) return kept.front().id;
  double left = random.uniform();
  for (const auto& candidate : kept) {
    left -= candidate.probability;
    if (left < 0) return candidate.id;
  }
  return kept.back().id;
}

}  // namespace hone
