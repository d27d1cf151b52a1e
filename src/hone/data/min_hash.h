// MinHash: how alike two sets are, from short signatures of them (Broder 1997).
#pragma once

#include <cstdint>
#include <vector>

namespace hone {

/// The share of elements of two sets that are in both: 1 for equal sets, also for empty ones.
double jaccard(std::vector<std::uint64_t> a, std::vector<std::uint64_t> b);

/// Makes signatures of sets of hashes: for each of `size` random functions, fixed by `seed`, the
/// least value over the set.
class MinHash {
 public:
  MinHash(std::size_t size, std::uint64_t seed);

  /// `size` values. Of an empty set all are the largest number.
  std::vector<std::uint64_t> operator()(const std::vector<std::uint64_t>& hashes) const;

 private:
  std::vector<std::uint64_t> keys_;
};

/// An estimate of the Jaccard similarity J: the share of places at which two signatures agree. Its
/// standard error is sqrt(J (1 - J) / size): at most 0.044 with 128 values.
double similarity(const std::vector<std::uint64_t>& a, const std::vector<std::uint64_t>& b);

/// Signatures cut into bands: two sets meet where all values of some band agree, which happens with
/// probability 1 - (1 - J^rows)^bands.
struct Bands {
  std::size_t bands = 1;
  std::size_t rows = 1;
  bool operator==(const Bands&) const = default;
};

/// The probability that sets of similarity `jaccard` meet.
double meeting_probability(const Bands& bands, double jaccard);

/// Of the ways to cut `size` values those bands with the most rows (the fewest vain meetings) in
/// which sets of similarity `threshold` still meet with a probability of 0.95 or more.
Bands choose_bands(std::size_t size, double threshold);

}  // namespace hone
