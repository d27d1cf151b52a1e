// Byte-pair encoding: from a piece of text to ids by merging the pairs that were merged in
// training, in their order.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include <hone/text/byte_level.h>
#include <hone/text/vocabulary.h>
#include <hone/text/word_cache.h>

namespace hone {

/// How characters without a token are treated, as the fields of the same names in tokenizer.json.
struct BpeSettings {
  std::string unk_token;       ///< stands for what has no token; empty: such characters are dropped
  bool fuse_unk = false;       ///< a run of unknown characters becomes one token
  bool byte_fallback = false;  ///< unknown characters become byte tokens such as `<0x0A>`
  bool ignore_merges = false;  ///< a piece that is a token as a whole is not merged from its parts
  bool operator==(const BpeSettings&) const = default;
};

/// Two tokens that become one, by their texts.
using MergePair = std::pair<std::string, std::string>;

/// The merge engine over one vocabulary. Encoding takes time n log n in the length of a piece.
class Bpe {
 public:
  /// Rank of a merge is its place in `merges`; of equal pairs the last counts. `maps_bytes`: pieces
  /// come as bytes, to be read in the byte-level alphabet. `control_ids` are never the result of
  /// `ignore_merges`. Throws `Error` starting with `place` where a merge names or makes a token
  /// that the vocabulary does not have.
  Bpe(const Vocabulary& vocabulary,
      const std::vector<MergePair>& merges,
      BpeSettings settings,
      bool maps_bytes,
      const std::vector<std::int64_t>& control_ids,
      const std::string& place);

  /// Appends the ids of `piece` (valid UTF-8 or, with `maps_bytes`, part of it).
  void encode(std::string_view piece, std::vector<std::int64_t>& ids) const;

  const BpeSettings& settings() const { return settings_; }

  /// The merges by rank, as pairs of ids.
  const std::vector<std::array<std::int32_t, 2>>& merges() const { return merges_; }

 private:
  struct Symbol;
  struct Candidate;
  class Merger;

  /// What a pair becomes.
  struct Merge {
    std::uint64_t pair = ~std::uint64_t{0};  ///< both ids; all ones: an empty slot
    std::int32_t rank = 0;
    std::int32_t id = 0;
  };

  void add_merge(const MergePair& merge, std::int32_t rank, const std::string& place);
  void prepare_characters();
  void prepare_cuts(const std::vector<MergePair>& merges);
  const Merge* find(std::int32_t left, std::int32_t right) const;
  std::size_t slot_of(std::uint64_t pair) const;
  void encode_word(std::string_view word, std::vector<std::int64_t>& ids) const;
  void encode_new(std::string_view word, std::vector<std::int64_t>& ids) const;
  bool is_cut(std::string_view piece, std::size_t marker) const;
  std::vector<Symbol> symbols_of(std::string_view piece) const;
  void append_unknown(std::string_view character,
                      std::vector<Symbol>& symbols,
                      bool& after_unk) const;

  StringMap<std::int32_t>
      ids_;  ///< of characters, and of everything where `ignore_merges` asks for it
  BpeSettings settings_;
  bool maps_bytes_;
  ByteAlphabet alphabet_;
  std::array<std::int32_t, 256>
      bytes_{};  ///< id of a byte in the alphabet, or of an ASCII character; -1: none
  std::array<std::int32_t, 256> byte_tokens_{};  ///< id of `<0x00>` and so on; -1: none
  std::int32_t unk_id_ = -1;
  std::vector<std::array<std::int32_t, 2>> merges_;
  std::vector<Merge> table_;  ///< open addressing, a power of two in size
  bool cuts_ = false;         ///< pieces may be cut before a space marker
  std::unordered_set<char32_t>
      joined_;  ///< characters that some merge joins to a marker after them
  mutable WordCache cache_;
};

}  // namespace hone
