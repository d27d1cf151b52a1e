#include <algorithm>
#include <cstring>
#include <iterator>

#include <utf8proc.h>

#include <hone/text/jinja_case_table.h>
#include <hone/text/jinja_unicode.h>

namespace hone::jinja {
namespace {

utf8proc_category_t category(char32_t code) {
  return utf8proc_category(static_cast<utf8proc_int32_t>(code));
}

const SpecialCase* special_case(char32_t code) {
  if (code < 0x80) return nullptr;
  const auto found =
      std::lower_bound(std::begin(kSpecialCases), std::end(kSpecialCases), code,
                       [](const SpecialCase& row, char32_t c) { return row.code < c; });
  return found != std::end(kSpecialCases) && found->code == code ? found : nullptr;
}

bool continues(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0) == 0x80;
}

}  // namespace

void append_utf8(std::string& out, char32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | (code >> 6));
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0 | (code >> 12));
    out += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | (code >> 18));
    out += static_cast<char>(0x80 | ((code >> 12) & 0x3F));
    out += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  }
}

char32_t next_code(std::string_view text, std::size_t& position) {
  const auto first = static_cast<unsigned char>(text[position++]);
  if (first < 0x80) return first;
  int more = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : 1;
  char32_t code = first & (0x3Fu >> more);
  while (more-- > 0 && position < text.size()) {
    code = code << 6 | (static_cast<unsigned char>(text[position++]) & 0x3Fu);
  }
  return code;
}

std::size_t previous_start(std::string_view text, std::size_t position) {
  do {
    --position;
  } while (position > 0 && continues(text[position]));
  return position;
}

std::size_t count_codes(std::string_view text) {
  return text.size() - static_cast<std::size_t>(std::count_if(text.begin(), text.end(), continues));
}

std::size_t offset_of(std::string_view text, std::size_t index) {
  std::size_t position = 0;
  for (; position < text.size(); ++position) {
    if (continues(text[position])) continue;
    if (index-- == 0) break;
  }
  return position;
}

bool is_ascii(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) { return (c & 0x80) != 0; });
}

std::size_t find_text(std::string_view text, std::string_view part, std::size_t from) {
  if (from > text.size()) return std::string_view::npos;
  if (part.empty()) return from;
  const void* found = memmem(text.data() + from, text.size() - from, part.data(), part.size());
  if (found == nullptr) return std::string_view::npos;
  return static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
}

bool is_space(char32_t code) {
  if (code < 0x80)
    return code == ' ' || (code >= 0x09 && code <= 0x0D) || (code >= 0x1C && code <= 0x1F);
  return code == 0x85 || code == 0xA0 || code == 0x1680 || (code >= 0x2000 && code <= 0x200A) ||
         code == 0x2028 || code == 0x2029 || code == 0x202F || code == 0x205F || code == 0x3000;
}

bool is_printable(char32_t code) {
  if (code < 0x80) return code >= 0x20 && code < 0x7F;
  switch (category(code)) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
    case UTF8PROC_CATEGORY_ZS:
      return false;
    default:
      return true;
  }
}

bool is_letter(char32_t code) {
  const auto kind = category(code);
  return kind >= UTF8PROC_CATEGORY_LU && kind <= UTF8PROC_CATEGORY_LO;
}

bool is_decimal(char32_t code) {
  if (code < 0x80) return code >= '0' && code <= '9';
  return category(code) == UTF8PROC_CATEGORY_ND;
}

bool is_digit(char32_t code) {
  if (is_decimal(code)) return true;
  return code == 0xB2 || code == 0xB3 || code == 0xB9 || code == 0x2070 ||
         (code >= 0x2074 && code <= 0x2079) || (code >= 0x2080 && code <= 0x2089) ||
         (code >= 0x2460 && code <= 0x2468) || (code >= 0x2474 && code <= 0x247C) ||
         (code >= 0x2488 && code <= 0x2490);
}

bool is_numeric(char32_t code) {
  const auto kind = category(code);
  return kind == UTF8PROC_CATEGORY_ND || kind == UTF8PROC_CATEGORY_NL ||
         kind == UTF8PROC_CATEGORY_NO;
}

bool is_word(char32_t code) {
  if (code < 0x80)
    return code == '_' || (code >= '0' && code <= '9') ||
           ((code | 0x20) >= 'a' && (code | 0x20) <= 'z');
  if (is_letter(code) || is_numeric(code)) return true;
  const auto kind = category(code);
  return kind == UTF8PROC_CATEGORY_MN || kind == UTF8PROC_CATEGORY_MC ||
         kind == UTF8PROC_CATEGORY_PC || code == 0xB7;
}

bool is_lower(char32_t code) {
  if (code < 0x80) return code >= 'a' && code <= 'z';
  return category(code) == UTF8PROC_CATEGORY_LL ||
         utf8proc_islower(static_cast<utf8proc_int32_t>(code)) != 0;
}

bool is_upper(char32_t code) {
  if (code < 0x80) return code >= 'A' && code <= 'Z';
  return category(code) == UTF8PROC_CATEGORY_LU ||
         utf8proc_isupper(static_cast<utf8proc_int32_t>(code)) != 0;
}

bool is_cased(char32_t code) {
  return is_lower(code) || is_upper(code) || category(code) == UTF8PROC_CATEGORY_LT;
}

std::u32string to_upper(char32_t code) {
  if (const SpecialCase* row = special_case(code)) return row->upper;
  return {static_cast<char32_t>(utf8proc_toupper(static_cast<utf8proc_int32_t>(code)))};
}

std::u32string to_title(char32_t code) {
  if (const SpecialCase* row = special_case(code)) return row->title;
  return {static_cast<char32_t>(utf8proc_totitle(static_cast<utf8proc_int32_t>(code)))};
}

std::u32string to_lower(char32_t code) {
  if (code == 0x130) return U"i\u0307";
  return {static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(code)))};
}

std::u32string to_folded(char32_t code) {
  utf8proc_int32_t folded[8];
  int last_class = UTF8PROC_BOUNDCLASS_START;
  const auto count = utf8proc_decompose_char(static_cast<utf8proc_int32_t>(code), folded, 8,
                                             UTF8PROC_CASEFOLD, &last_class);
  if (count <= 0 || count > 8) return {code};
  return std::u32string(folded, folded + count);
}

}  // namespace hone::jinja
