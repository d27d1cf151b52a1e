#include <string>
#include <utility>

#include <hone/text/word_cache.h>

namespace hone {

std::size_t WordCache::shard_of(std::string_view word) const {
  // The map uses the low bits of the same hash.
  return StringHash()(word) >> 32 & (kShards - 1);
}

bool WordCache::append(std::string_view word, std::vector<std::int64_t>& ids) const {
  const auto& shard = shards_[shard_of(word)];
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.words.find(word);
  if (found == shard.words.end()) return false;
  ids.insert(ids.end(), found->second.begin(), found->second.end());
  return true;
}

void WordCache::insert(std::string_view word,
                       const std::vector<std::int64_t>& ids,
                       std::size_t from) {
  std::vector<std::int32_t> kept;
  kept.reserve(ids.size() - from);
  for (auto i = from; i < ids.size(); ++i) kept.push_back(static_cast<std::int32_t>(ids[i]));
  auto& shard = shards_[shard_of(word)];
  const std::lock_guard lock(shard.mutex);
  if (shard.words.size() >= kWordsPerShard) shard.words.clear();
  shard.words.try_emplace(std::string(word), std::move(kept));
}

}  // namespace hone
