// Rows that say the same as an earlier one: exactly, or nearly.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <hone/data/min_hash.h>

namespace hone {

/// Finds texts whose normalised words are those of an earlier one, in the same order.
///
/// Holds a hash of 128 bits and the number of each text that it has not seen before: about 60
/// bytes.
class ExactDuplicates {
 public:
  /// The number (0, 1, ... in the order of the calls that gave nothing) of the earlier text that
  /// has the same words; nothing where there is none, and then `text` is remembered. A text without
  /// words has no duplicates and gets a number too.
  std::optional<std::size_t> find_or_add(std::string_view text);

 private:
  struct Key {
    std::uint64_t low = 0;
    std::uint64_t high = 0;
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const { return static_cast<std::size_t>(key.low); }
  };
  std::unordered_map<Key, std::size_t, KeyHash> known_;
  std::size_t count_ = 0;
};

struct NearOptions {
  double threshold = 0.8;       ///< texts are near from this Jaccard similarity on, in (0, 1]
  std::size_t shingle = 5;      ///< words in a shingle, the element of the sets compared
  std::size_t signature = 128;  ///< values of a MinHash signature
  std::uint64_t seed = 0;       ///< of the hash functions
  bool operator==(const NearOptions&) const = default;
};

/// Throws `Error` for an option out of its range.
void validate(const NearOptions& options);

/// Finds texts that share most of their shingles with an earlier one.
///
/// Candidates are texts that meet in a band of their MinHash signatures; whether they are near is
/// then counted on the shingles themselves. So nothing is called near that is not. A pair exactly
/// at the threshold is missed with a chance of 5 % at most, a closer one less often
/// (`meeting_probability`). The first of several near texts is the one that stays. Results depend
/// on the order of the texts and on the seed.
///
/// Holds, for every text it keeps, 32 to 64 bytes a band (16, in a table that is a quarter to half
/// full: about 1 KB at the threshold 0.8, which has 18 bands), not the text: `text_of` gives that
/// back.
class NearDuplicates {
 public:
  /// `text_of(number)` must give the kept text of that number.
  NearDuplicates(const NearOptions& options, std::function<std::string(std::size_t)> text_of);

  /// The number of an earlier kept text that is near, or nothing; then `text` is kept. Numbers
  /// count the kept texts from 0.
  std::optional<std::size_t> find_or_add(std::string_view text);

  const Bands& bands() const { return bands_; }

 private:
  struct Slot {
    std::uint64_t key = 0;
    std::uint32_t place = 0;  // number of the kept text + 1; 0: the slot is free
  };
  /// Calls `visit(number)` for the kept texts in the band `key` until it returns true.
  template <typename Visit>
  bool visit_band(std::uint64_t key, Visit visit) const;
  void insert(std::uint64_t key, std::uint32_t number);
  void grow();
  std::vector<std::uint64_t> band_keys(const std::vector<std::uint64_t>& shingles) const;
  std::vector<std::uint64_t> shingles_of(std::string_view text) const;

  NearOptions options_;
  std::function<std::string(std::size_t)> text_of_;
  Bands bands_;
  MinHash min_hash_;
  std::vector<Slot> slots_;  // open addressing; a power of two of them
  std::size_t used_ = 0;
  std::size_t count_ = 0;
};

}  // namespace hone
