// How long texts are.
#pragma once

#include <cstdint>
#include <map>

#include <hone/base/json_io.h>

namespace hone {

/// Exact statistics of lengths that are added one by one. Holds a count for each length that
/// occurs, however many texts there are.
class LengthStatistics {
 public:
  void add(std::int64_t length);

  std::int64_t count() const { return count_; }
  /// 0 of no lengths; so are the others.
  double mean() const;
  /// The least length that `share` (0 to 1) of all lengths do not exceed: 0 gives the shortest, 1
  /// the longest, 0.5 the (lower) median.
  std::int64_t percentile(double share) const;

  /// `{"mean", "min", "median", "p90", "p99", "max"}`.
  Json json() const;

 private:
  std::map<std::int64_t, std::int64_t> counts_;
  std::int64_t count_ = 0;
  std::int64_t sum_ = 0;
};

}  // namespace hone
