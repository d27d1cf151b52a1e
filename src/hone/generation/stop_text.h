// Stop strings in streamed text, found although tokens cut them anywhere.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace hone {

/// Lets text through up to the first stop string. Text that may be the beginning of one is held
/// back until it is known.
class StopText {
 public:
  /// Empty strings are ignored.
  explicit StopText(std::vector<std::string> stops);

  /// The text that is certain after `piece`. Nothing more comes once a stop string was found.
  std::string push(std::string_view piece);

  /// What was held back, at the end of the text.
  std::string finish();

  bool stopped() const { return stopped_; }

 private:
  std::size_t held_back() const;

  std::vector<std::string> stops_;
  std::string pending_;
  bool stopped_ = false;
};

}  // namespace hone
