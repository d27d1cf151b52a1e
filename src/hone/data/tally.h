// Counts of what happened to rows, by reason.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <hone/base/json_io.h>

namespace hone {

/// How often each of several things happened, and where first, in the order in which they first
/// did.
class Tally {
 public:
  struct Entry {
    std::string what;  ///< such as "same as an earlier record"
    std::int64_t count = 0;
    std::string first_place;  ///< such as `train.jsonl:3`
  };

  void add(const std::string& what, const std::string& place);

  const std::vector<Entry>& entries() const { return entries_; }
  std::int64_t total() const;

  /// `[{"what": ..., "count": ..., "first": ...}]`.
  Json json() const;

 private:
  std::vector<Entry> entries_;
};

}  // namespace hone
