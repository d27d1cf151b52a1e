#include <hone/text/byte_level.h>
#include <hone/text/unicode.h>

namespace hone {

const std::string_view kGpt2Pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

ByteAlphabet::ByteAlphabet() {
  bytes_.fill(-1);
  char32_t next = 0x100;
  for (unsigned byte = 0; byte < 256; ++byte) {
    const bool visible =
        (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    const char32_t code_point = visible ? byte : next++;
    append_utf8(characters_[byte], code_point);
    bytes_[code_point] = static_cast<std::int16_t>(byte);
  }
}

std::string ByteAlphabet::write(std::string_view bytes) const {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char byte : bytes) out += character(static_cast<unsigned char>(byte));
  return out;
}

std::optional<std::string> ByteAlphabet::read(std::string_view text) const {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const auto next = character_at(text, at);
    if (next.code_point >= bytes_.size() || bytes_[next.code_point] < 0) return std::nullopt;
    out += static_cast<char>(bytes_[next.code_point]);
    at += next.bytes;
  }
  return out;
}

}  // namespace hone
