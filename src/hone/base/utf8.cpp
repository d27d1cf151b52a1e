#include <cstdint>
#include <cstring>

#include <hone/base/utf8.h>

namespace hone {
namespace {

bool is_ascii(const char* eight_bytes) {
  std::uint64_t word;
  std::memcpy(&word, eight_bytes, sizeof(word));
  return (word & 0x8080808080808080u) == 0;
}

/// Length of the well-formed sequence at the start of `text` (not empty), 0 if there is none.
std::size_t sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  // What the lead byte alone does not exclude: overlong forms, surrogates, above U+10FFFF.
  const unsigned second = byte(1);
  const bool bad = (lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f) ||
                   (lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f);
  return bad ? 0 : length;
}

void append_hex(std::string& out, const char* prefix, unsigned char byte, int digits) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  out += prefix;
  if (digits == 4) out += "00";
  out += kDigits[byte >> 4];
  out += kDigits[byte & 15];
}

}  // namespace

std::optional<std::size_t> find_invalid_utf8(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    if (text.size() - at >= 8 && is_ascii(text.data() + at)) {
      at += 8;
      continue;
    }
    const auto length = sequence_length(text.substr(at));
    if (length == 0) return at;
    at += length;
  }
  return std::nullopt;
}

std::string quote(std::string_view text, std::size_t limit) {
  std::string out = "\"";
  while (!text.empty() && out.size() < limit) {
    const auto length = sequence_length(text);
    const auto byte = static_cast<unsigned char>(text[0]);
    if (length == 0) {
      append_hex(out, "\\x", byte, 2);
    } else if (byte == '"' || byte == '\\') {
      out += '\\';
      out += text[0];
    } else if (byte < 0x20 || byte == 0x7f) {
      append_hex(out, "\\u", byte, 4);
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  out += '"';
  if (!text.empty()) out += " ...";
  return out;
}

}  // namespace hone
