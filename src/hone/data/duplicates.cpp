#include <algorithm>
#include <set>
#include <utility>

#include <xxhash.h>

#include <hone/base/error.h>
#include <hone/data/duplicates.h>
#include <hone/data/words.h>

namespace hone {

std::optional<std::size_t> ExactDuplicates::find_or_add(std::string_view text) {
  std::string joined;
  for (const auto& word : normalized_words(text)) joined.append(word).push_back(' ');
  if (joined.empty()) {
    ++count_;
    return std::nullopt;
  }
  const auto hash = XXH3_128bits(joined.data(), joined.size());
  const auto [found, is_new] = known_.try_emplace({hash.low64, hash.high64}, count_);
  if (!is_new) return found->second;
  ++count_;
  return std::nullopt;
}

void validate(const NearOptions& options) {
  if (!(options.threshold > 0.0 && options.threshold <= 1.0))
    fail("the threshold of near duplicates must be above 0 and at most 1, got ", options.threshold);
  if (options.shingle == 0) fail("a shingle must have at least 1 word");
  if (options.signature == 0) fail("a signature must have at least 1 value");
}

NearDuplicates::NearDuplicates(const NearOptions& options,
                               std::function<std::string(std::size_t)> text_of)
    : options_(options),
      text_of_(std::move(text_of)),
      bands_(choose_bands(options.signature, options.threshold)),
      min_hash_(bands_.bands * bands_.rows, options.seed),
      slots_(1024) {
  validate(options_);
}

std::vector<std::uint64_t> NearDuplicates::shingles_of(std::string_view text) const {
  return hash_shingles(normalized_words(text), options_.shingle);
}

std::vector<std::uint64_t> NearDuplicates::band_keys(
    const std::vector<std::uint64_t>& shingles) const {
  const auto signature = min_hash_(shingles);
  std::vector<std::uint64_t> keys;
  for (std::size_t band = 0; band < bands_.bands; ++band) {
    const auto* values = signature.data() + band * bands_.rows;
    keys.push_back(XXH3_64bits_withSeed(values, bands_.rows * sizeof(*values), band));
  }
  return keys;
}

template <typename Visit>
bool NearDuplicates::visit_band(std::uint64_t key, Visit visit) const {
  const auto mask = slots_.size() - 1;
  for (auto at = static_cast<std::size_t>(key) & mask; slots_[at].place != 0;
       at = (at + 1) & mask) {
    if (slots_[at].key == key && visit(slots_[at].place - 1)) return true;
  }
  return false;
}

std::optional<std::size_t> NearDuplicates::find_or_add(std::string_view text) {
  const auto shingles = shingles_of(text);
  const auto keys = shingles.empty() ? std::vector<std::uint64_t>() : band_keys(shingles);
  std::set<std::uint32_t> refused;  // candidates that turned out not to be near
  std::optional<std::size_t> found;
  const auto is_near = [&](std::uint32_t number) {
    if (refused.contains(number)) return false;
    if (jaccard(shingles, shingles_of(text_of_(number))) < options_.threshold) {
      refused.insert(number);
      return false;
    }
    found = number;
    return true;
  };
  for (const auto key : keys) {
    if (visit_band(key, is_near)) return found;
  }
  for (const auto key : keys) insert(key, static_cast<std::uint32_t>(count_));
  ++count_;
  return std::nullopt;
}

void NearDuplicates::insert(std::uint64_t key, std::uint32_t number) {
  if (2 * (used_ + 1) > slots_.size()) grow();
  const auto mask = slots_.size() - 1;
  auto at = static_cast<std::size_t>(key) & mask;
  while (slots_[at].place != 0) at = (at + 1) & mask;
  slots_[at] = {key, number + 1};
  ++used_;
}

void NearDuplicates::grow() {
  auto old = std::exchange(slots_, std::vector<Slot>(2 * slots_.size()));
  used_ = 0;
  for (const auto& slot : old) {
    if (slot.place != 0) insert(slot.key, slot.place - 1);
  }
}

}  // namespace hone
