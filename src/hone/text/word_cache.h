// Ids of words that were encoded before, shared by every thread that encodes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string_view>
#include <vector>

#include <hone/text/vocabulary.h>

namespace hone {

/// A bounded map from words to ids. Safe to use from several threads.
class WordCache {
 public:
  /// Longer words are not kept: they hardly come twice.
  static constexpr std::size_t kLongestWord = 96;

  /// Appends the ids of `word` and returns true, or returns false where they are not known.
  bool append(std::string_view word, std::vector<std::int64_t>& ids) const;

  /// Remembers the ids from index `from` of `ids` on as those of `word`. A full shard is emptied
  /// first.
  void insert(std::string_view word, const std::vector<std::int64_t>& ids, std::size_t from);

 private:
  static constexpr std::size_t kShards = 16;
  static constexpr std::size_t kWordsPerShard = 4096;
  struct Shard {
    mutable std::mutex mutex;
    StringMap<std::vector<std::int32_t>> words;
  };

  std::size_t shard_of(std::string_view word) const;

  std::array<Shard, kShards> shards_;
};

}  // namespace hone
