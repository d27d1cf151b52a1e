// Rotary positions (Su et al. 2021) and the ways of stretching them beyond the trained context.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <hone/shapes.h>

namespace hone {

/// How rotary frequencies are stretched; names and meanings as in config.json's rope_parameters.
struct RopeScaling {
  /// `default`, `linear`, `dynamic`, `yarn`, `longrope` or `llama3`
  std::string rope_type = "default";
  double factor = 1;           ///< how many times longer than trained
  double low_freq_factor = 1;  ///< llama3: wavelengths above original / low are divided by `factor`
  double high_freq_factor = 4;  ///< llama3: wavelengths below original / high stay
  std::int64_t original_max_position_embeddings = 8192;  ///< the trained context, tokens
  double beta_fast = 32;        ///< yarn: frequencies that turn more often within the context stay
  double beta_slow = 1;         ///< yarn: those that turn less often are divided by `factor`
  bool truncate = true;         ///< yarn: the blended range ends at whole channels
  double attention_factor = 1;  ///< yarn, longrope: factor of cos and sin
  std::vector<double> short_factor = {};  ///< longrope: divisors of the frequencies, [d/2]
  std::vector<double> long_factor = {};   ///< the same for sequences beyond the trained context

  bool operator==(const RopeScaling&) const = default;
};

/// Throws `std::invalid_argument` naming the first field that is out of range; `rotary_size`:
/// channels of a head that are rotated.
void validate(const RopeScaling& scaling, std::int64_t rotary_size);

/// Channels of a head that are rotated.
std::int64_t rotary_dim(std::int64_t head_dim, double partial_rotary_factor);

/// The angle by which each pair of channels turns from one position to the next, [d/2], fp32, for a
/// sequence of `length` tokens (0: one within the trained context). `size`: channels that are
/// rotated; `context`: max_position_embeddings.
Tensor rotary_frequencies(std::int64_t size,
                          double theta,
                          const RopeScaling& scaling,
                          std::int64_t context,
                          std::int64_t length = 0);

/// cos and sin of tokens, each [N, d/2], fp32.
struct Rotation {
  Tensor cos, sin;
};

/// The angles of every position and channel: angle(p, i) = p theta^(-2i/d), stretched as `scaling`
/// says.
class RotaryTable {
 public:
  /// `size`: channels that are rotated, even. `context`: max_position_embeddings.
  RotaryTable(std::int64_t size, double theta, RopeScaling scaling, std::int64_t context);

  /// The rotation of S sequences laid end to end. `positions`: [N], int64; `lengths`: new tokens of
  /// each sequence; `past`: tokens before these. Where frequencies depend on the length (dynamic,
  /// longrope) each sequence has those of its own length so far.
  Rotation at_positions(const Tensor& positions,
                        const std::vector<std::int64_t>& lengths,
                        const std::vector<std::int64_t>& past) const;

 private:
  bool depends_on_length() const;

  std::int64_t size_;
  double theta_;
  RopeScaling scaling_;
  std::int64_t context_;
  Tensor frequencies_;  // for sequences within the trained context
};

}  // namespace hone
