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

/// The n-grams of evaluation rows, to look for in training texts (Brown et al. 2020 take 13 words).
///
/// Words are normalised (case, punctuation and white space do not count). A row none of whose texts
/// has `size` words is found only where a training text has just the words of one of them. Holds
/// about 40 bytes for each different n-gram, and the places of the rows; training texts are not
/// held. N-grams are compared by hashes of 64 bits.
class Contamination {
 public:
  explicit Contamination(std::size_t size = 13);

  /// Adds an evaluation row, its texts each for itself. `place` is what `find` gives for it; of
  /// rows that share an n-gram, the first one's.
  void add(const std::vector<std::string>& texts, const std::string& place);

  /// Adds every row of `path`, whose ending tells its format (see labelled.h). Throws `Error`
  /// naming the place of what is malformed.
  void add_file(const std::filesystem::path& path);

  struct Match {
    std::string evaluation;  ///< place of the evaluation row
    std::string words;       ///< the first n words that it shares
  };
  /// The first n-gram of `text` that some evaluation row has, or nothing.
  std::optional<Match> find(std::string_view text) const;

  std::size_t rows() const { return places_.size(); }
  /// How many of them have no text that is long enough for an n-gram.
  std::size_t short_rows() const { return short_rows_; }

 private:
  std::size_t size_;
  std::unordered_map<std::uint64_t, std::uint32_t> n_grams_;
  std::unordered_map<std::uint64_t, std::uint32_t> whole_;  // texts of short rows
  std::vector<std::string> places_;
  std::size_t short_rows_ = 0;
};

}  // namespace hone
