// Training texts that hold pieces of an evaluation file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace hone {

/// The n-grams of evaluation texts, to look for in others (Brown et al. 2020 take 13 words).
///
/// Words are normalised (case, punctuation and white space do not count). A text with fewer than
/// `size` words is found only where a training text has the same words and no others. Holds about
/// 40 bytes for each different n-gram, and the places of the texts; training texts are not held.
/// N-grams are compared by hashes of 64 bits.
class Contamination {
 public:
  explicit Contamination(std::size_t size = 13);

  /// Adds an evaluation text. `place` is what `find` gives for it; of texts that share an n-gram,
  /// the first one's.
  void add(std::string_view text, const std::string& place);

  /// Adds every row of `path` (JSONL, also gzip; a JSON array; CSV or TSV with a header; or text
  /// lines): all texts of the row together. Throws `Error` naming the place of what is malformed.
  void add_file(const std::filesystem::path& path);

  struct Match {
    std::string evaluation;  ///< place of the evaluation text
    std::string words;       ///< the first n words that it shares
  };
  /// The first n-gram of `text` that some evaluation text has, or nothing.
  std::optional<Match> find(std::string_view text) const;

  std::size_t texts() const { return places_.size(); }
  /// How many of them are too short for an n-gram.
  std::size_t short_texts() const { return short_texts_; }

 private:
  std::size_t size_;
  std::unordered_map<std::uint64_t, std::uint32_t> n_grams_;
  std::unordered_map<std::uint64_t, std::uint32_t> whole_;  // texts below `size_` words
  std::vector<std::string> places_;
  std::size_t short_texts_ = 0;
};

}  // namespace hone
