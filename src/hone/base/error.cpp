#include <hone/base/error.h>

namespace hone {
namespace {

/// `text` on one line: control characters, which a file that is quoted may hold, as escapes.
std::string on_one_line(const std::string& text) {
  constexpr const char* kDigits = "0123456789abcdef";
  std::string line;
  for (const char byte : text) {
    const auto code = static_cast<unsigned char>(byte);
    if (code >= 0x20 && code != 0x7f) {
      line += byte;
    } else if (byte == '\n') {
      line += "\\n";
    } else if (byte == '\t') {
      line += "\\t";
    } else {
      line += {'\\', 'x', kDigits[code >> 4], kDigits[code & 15]};
    }
  }
  return line;
}

}  // namespace

Error::Error(const std::string& text) : std::runtime_error(on_one_line(text)) {}

}  // namespace hone
