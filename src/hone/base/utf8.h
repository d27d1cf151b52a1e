// Checking UTF-8, and text of unknown origin in messages.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace hone {

/// U+FEFF, which some programs put in front of a text.
inline constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

/// 0-based position of the first byte that does not belong to a well-formed UTF-8 sequence; nothing
/// for valid text.
///
/// Overlong forms, surrogates and values above U+10FFFF are not well-formed. The position is the
/// first byte of the bad sequence.
std::optional<std::size_t> find_invalid_utf8(std::string_view text);

/// `text` in double quotes and on one line, for a message: quotes, backslashes, control characters
/// and invalid bytes escaped, cut to about `limit` bytes with ` ...` after the closing quote.
std::string quote(std::string_view text, std::size_t limit = 120);

}  // namespace hone
