// The byte-level alphabet: every byte written as one visible character, as GPT-2 began it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hone {

/// Both directions of the alphabet. Bytes that are visible in Latin-1 stand for themselves, the
/// others follow from U+0100 on.
class ByteAlphabet {
 public:
  ByteAlphabet();

  /// The character of `byte` as UTF-8.
  const std::string& character(unsigned char byte) const { return characters_[byte]; }

  /// `bytes` with every byte written as its character.
  std::string write(std::string_view bytes) const;

  /// The bytes that `text` stands for; nothing where a character is not of the alphabet.
  std::optional<std::string> read(std::string_view text) const;

 private:
  std::array<std::string, 256> characters_;
  std::array<std::int16_t, 324> bytes_{};  ///< by code point; -1: not of the alphabet
};

/// The pattern that splits text for GPT-2 and all who took it over.
extern const std::string_view kGpt2Pattern;

}  // namespace hone
