// What the fuzz targets share: the input as text, and requirements that stop the fuzzer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <hone/base/error.h>

namespace hone::fuzz {

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// Stops the fuzzer with a finding where `truth` is false.
inline void require(bool truth) {
  if (!truth) std::abort();
}

/// Reads every byte, so that a sanitizer sees one that is not there.
inline void touch(std::string_view bytes) {
  volatile unsigned sum = 0;
  for (const char byte : bytes) sum = sum + static_cast<unsigned char>(byte);
}

/// Runs `action`; a refusal by `Error` on one line is as good as success, every other exception is
/// a finding.
template <typename Action>
void accept_or_refuse(const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    const std::string_view message = error.what();
    require(message.size() < 4096 && message.find('\n') == std::string_view::npos);
  }
}

}  // namespace hone::fuzz
