// UTF-8 and the few Unicode operations that tokenizers need.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace hone {

/// U+2581, which stands for a space in the vocabularies of SentencePiece.
inline constexpr std::string_view kWordMarker = "\u2581";

/// One character of a valid UTF-8 text and the bytes it takes.
struct Character {
  char32_t code_point = 0;
  std::size_t bytes = 0;
};

/// The character that starts at byte `at` of `text`, which must be valid UTF-8 there.
Character character_at(std::string_view text, std::size_t at);

/// The character that ends before byte `end` (> 0) of a valid UTF-8 text.
Character character_before(std::string_view text, std::size_t end);

/// Appends `code_point` as UTF-8.
void append_utf8(std::string& out, char32_t code_point);

/// Appends `bytes` to `out` with one U+FFFD for every maximal run that cannot begin a character.
///
/// A character that is cut off at the end is left unread, unless `final` says that nothing follows:
/// then it becomes one U+FFFD. Returns how many bytes were read.
std::size_t append_valid_utf8(std::string_view bytes, bool final, std::string& out);

enum class NormalForm { kNfc, kNfd, kNfkc, kNfkd };

/// `text` (valid UTF-8) in a Unicode normal form, in time n log n for any input.
std::string normalize(std::string_view text, NormalForm form);

/// Every character of `text` in lower case by itself, without regard to its neighbours.
std::string lowercase(std::string_view text);

/// Whether the character has the Unicode property White_Space.
bool is_white_space(char32_t code_point);

/// Whether the character may be part of a word: letters, marks, digits, connectors, joiners.
bool is_word_character(char32_t code_point);

}  // namespace hone
