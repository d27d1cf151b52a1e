// llama.cpp's names for the ways in which byte-level vocabularies split text, and the types of
// tokens in GGUF files.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include <hone/base/json_io.h>

namespace hone {

/// Types of tokens in `tokenizer.ggml.token_type`.
enum class GgufToken : std::int64_t {
  kNormal = 1,
  kUnknown = 2,
  kControl = 3,
  kUserDefined = 4,
  kUnused = 5,
  kByte = 6,
};

/// How the byte-level vocabularies of one family split and normalise text.
struct GgufSplit {
  std::string_view pre;  ///< tokenizer.ggml.pre
  Json (*pre_tokenizer)();
  bool composes = false;       ///< NFC first
  bool ignore_merges = false;  ///< whole words that are tokens stay whole
  bool adds_bos = false;       ///< where the file does not say
};

/// Every way that hone knows; of equal ones the first is the name to write.
std::span<const GgufSplit> gguf_splits();

}  // namespace hone
