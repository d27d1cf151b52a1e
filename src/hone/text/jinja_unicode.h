// Characters as Python's str sees them: counting, classes, upper and lower case.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace hone::jinja {

/// Appends `code` as UTF-8.
void append_utf8(std::string& out, char32_t code);

/// The code point that starts at byte `position`, which moves behind it. The text must be UTF-8.
char32_t next_code(std::string_view text, std::size_t& position);

/// The start of the code point in front of byte `position`, which must not be 0.
std::size_t previous_start(std::string_view text, std::size_t position);

/// Number of code points.
std::size_t count_codes(std::string_view text);

/// Byte offset of code point `index`, `text.size()` where there are fewer.
std::size_t offset_of(std::string_view text, std::size_t index);

bool is_ascii(std::string_view text);

/// Where `part` first occurs in `text` from byte `from` on, npos where nowhere; in time linear in
/// both whatever they hold, unlike std::string::find.
std::size_t find_text(std::string_view text, std::string_view part, std::size_t from = 0);

/// str.isspace of one character; also what `\s` matches.
bool is_space(char32_t code);
/// Python's str.isprintable of one character.
bool is_printable(char32_t code);
bool is_letter(char32_t code);
/// str.isdecimal of one character.
bool is_decimal(char32_t code);
/// str.isdigit of one character: decimals and superscripts and the like.
bool is_digit(char32_t code);
/// str.isnumeric of one character.
bool is_numeric(char32_t code);
/// What `\w` matches, and what may stand in a name.
bool is_word(char32_t code);
bool is_lower(char32_t code);
bool is_upper(char32_t code);
/// Has an upper or lower case, or is a title-case letter.
bool is_cased(char32_t code);

/// str.upper of one character, which may give several.
std::u32string to_upper(char32_t code);
/// Title case of one character, as str.capitalize and str.title use it.
std::u32string to_title(char32_t code);
/// str.lower of one character. A capital sigma at a word's end is the caller's to see.
std::u32string to_lower(char32_t code);
/// str.casefold of one character.
std::u32string to_folded(char32_t code);

}  // namespace hone::jinja
