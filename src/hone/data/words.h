// The words of a text without case and punctuation, by which texts are compared.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hone {

/// The words of `text` (valid UTF-8): runs of letters, marks and digits after NFKC, in lower case.
/// Everything else only separates.
std::vector<std::string> normalized_words(std::string_view text);

/// Number of runs of characters that are not white space.
std::size_t count_words(std::string_view text);

/// A hash of each run of `size` words, in their order; of all words together where there are fewer;
/// none of no words. Equal runs have equal hashes on every machine (XXH3, 64 bits: among a million
/// different runs two agree with a chance of 3e-8).
std::vector<std::uint64_t> hash_shingles(const std::vector<std::string>& words, std::size_t size);

/// One hash of all `words`, in their order.
std::uint64_t hash_words(const std::vector<std::string>& words);

}  // namespace hone
