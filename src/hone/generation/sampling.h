// Choosing the next token from logits.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <hone/base/split_mix.h>

namespace hone {

/// How tokens are drawn, under transformers' names.
struct SamplingConfig {
  double temperature = 0;  ///< logits are divided by it; 0: always the likeliest token (greedy)
  std::int64_t top_k = 0;  ///< only the k likeliest tokens; 0: all
  double top_p = 1;  ///< only the likeliest tokens that together reach this probability, in [0, 1]
  double min_p = 0;  ///< only tokens at least this share as likely as the likeliest, in [0, 1]
  double repetition_penalty =
      1;  ///< logits of tokens seen: positive ones divided by it, negative multiplied; 1: off

  bool operator==(const SamplingConfig&) const = default;
};

/// Throws `std::invalid_argument` naming the first field that is out of range.
void validate(const SamplingConfig& config);

/// One token of the candidates that a request may draw.
struct Candidate {
  std::int64_t id = 0;
  double probability = 0;
};

/// What `config` leaves of `logits`, likeliest first (equal ones by id), probabilities summing
/// to 1. Filters apply in the order temperature, top-k, top-p, min-p, as in transformers; each
/// keeps at least one token. `seen` are the ids that the repetition penalty hits, each once: those
/// of the prompt and the answer, never padding.
std::vector<Candidate> candidates(std::span<const float> logits,
                                  const SamplingConfig& config,
                                  std::span<const std::int64_t> seen);

/// Draws one id. Greedy takes the likeliest, of equal ones the smallest id. `random` is the
/// request's own, so that its text does not depend on what else is in the batch.
std::int64_t sample(std::span<const float> logits,
                    const SamplingConfig& config,
                    std::span<const std::int64_t> seen,
                    SplitMix& random);

}  // namespace hone
