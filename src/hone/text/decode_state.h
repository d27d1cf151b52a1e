// What decoding one token after the other has to remember in between.
#pragma once

#include <cstddef>
#include <string>

namespace hone {

struct DecodeState {
  std::string pending;       ///< bytes of a character that is not complete
  std::size_t tokens = 0;    ///< how many came so far
  std::size_t stripped = 0;  ///< how many leading characters were taken away
  bool at_start = true;      ///< nothing but stripped characters came so far
};

}  // namespace hone
