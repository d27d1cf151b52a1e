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

  /// Adds the counts of a later part of the input.
  void add(const Tally& later);

  const std::vector<Entry>& entries() const { return entries_; }
  std::int64_t total() const;
  bool empty() const { return entries_.empty(); }

  /// `[{"what": ..., "count": ..., "first": ...}]`.
  Json json() const;

 private:
  void add(const std::string& what, std::int64_t count, const std::string& place);

  std::vector<Entry> entries_;
};

}  // namespace hone
