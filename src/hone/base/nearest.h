// Suggestions for a misspelt name.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hone {

/// The candidates closest to `word` by edit distance, nearest first, at most `count`; none that
/// shares nothing with it.
std::vector<std::string> nearest_names(std::string_view word,
                                       const std::vector<std::string>& candidates,
                                       std::size_t count = 3);

/// ` (did you mean a or b?)`, or nothing where no candidate is near.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace hone
