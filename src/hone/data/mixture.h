// How many rows each of several sources gives, and which.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace hone {

/// Examples-proportional mixing (Raffel et al. 2020, Wei et al. 2021): rate_i = min(n_i, cap) / sum
/// of them over all sources. `cap` 0: none. All rates are 0 where no source has rows.
std::vector<double> proportional_rates(const std::vector<std::uint64_t>& counts, std::uint64_t cap);

/// `weights` over their sum; a source without rows gets 0 and the others share its part. Throws
/// `Error` for a weight that is negative or not finite, and where no source with rows has a
/// positive one.
std::vector<double> weighted_rates(const std::vector<double>& weights,
                                   const std::vector<std::uint64_t>& counts);

/// Whole numbers of rows in these rates that add up to `total`: each at most one away from
/// rate * total (largest remainders; of equal ones, the earlier sources get the rows).
std::vector<std::uint64_t> quotas(const std::vector<double>& rates, std::uint64_t total);

/// The most rows that can be taken in these rates without taking a row of any source twice.
std::uint64_t largest_total(const std::vector<double>& rates,
                            const std::vector<std::uint64_t>& counts);

/// One row to write.
struct Pick {
  std::uint32_t source = 0;
  std::uint32_t round = 0;  ///< how often the row was taken before
  std::uint64_t row = 0;    ///< of the source, from 0
  bool operator==(const Pick&) const = default;
};

/// `quota[i]` rows of every source i, which has `counts[i]`, all in one random order. Each source
/// gives its rows in random order, every one before it gives one again. The same seed gives the
/// same picks. Holds 16 bytes a pick.
std::vector<Pick> pick_rows(const std::vector<std::uint64_t>& quota,
                            const std::vector<std::uint64_t>& counts,
                            std::uint64_t seed);

/// A seed for one purpose, made of `seed` and what tells the purpose apart.
std::uint64_t derive_seed(std::uint64_t seed, std::uint64_t a, std::uint64_t b = 0);

}  // namespace hone
