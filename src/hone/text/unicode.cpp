#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <utility>
#include <vector>

#include <utf8proc.h>

#include <hone/base/error.h>
#include <hone/text/unicode.h>

namespace hone {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";

enum class Sequence { kWhole, kCut, kBroken };

struct Scan {
  Sequence kind;
  std::size_t bytes;  ///< of the character, or of the run that cannot begin one
};

/// What the bytes at `at` are: the well-formed sequences of the Unicode standard, table 3-7.
Scan scan(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(at);
  if (lead < 0x80) return {Sequence::kWhole, 1};
  if (lead < 0xc2 || lead > 0xf4) return {Sequence::kBroken, 1};
  const std::size_t length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  unsigned low = 0x80;
  unsigned high = 0xbf;
  if (lead == 0xe0) low = 0xa0;
  if (lead == 0xed) high = 0x9f;
  if (lead == 0xf0) low = 0x90;
  if (lead == 0xf4) high = 0x8f;
  for (std::size_t i = 1; i < length; ++i) {
    if (at + i == text.size()) return {Sequence::kCut, i};
    if (byte(at + i) < low || byte(at + i) > high) return {Sequence::kBroken, i};
    low = 0x80;
    high = 0xbf;
  }
  return {Sequence::kWhole, length};
}

/// First byte at or after `at` that is not ASCII.
std::size_t skip_ascii(std::string_view text, std::size_t at) {
  constexpr std::uint64_t kHighBits = 0x8080808080808080u;
  while (at + 8 <= text.size()) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + at, 8);
    if ((word & kHighBits) != 0) break;
    at += 8;
  }
  while (at < text.size() && static_cast<unsigned char>(text[at]) < 0x80) ++at;
  return at;
}

bool is_ascii(std::string_view text) {
  return skip_ascii(text, 0) == text.size();
}

/// Appends the full decomposition of one character.
void decompose(char32_t code_point, int options, std::vector<utf8proc_int32_t>& out) {
  utf8proc_int32_t buffer[32];
  int boundary = 0;
  const auto count = utf8proc_decompose_char(static_cast<utf8proc_int32_t>(code_point), buffer, 32,
                                             static_cast<utf8proc_option_t>(options), &boundary);
  if (count < 0 || count > 32) fail("Unicode normalisation: ", utf8proc_errmsg(count));
  out.insert(out.end(), buffer, buffer + count);
}

/// Marks that Unicode got after version 9, where the normaliser of Hugging Face's tokenizers ends:
/// there they combine with nothing and nothing moves past them, so ids depend on it.
bool is_newer_mark(utf8proc_int32_t code_point) {
  using Range = std::pair<utf8proc_int32_t, utf8proc_int32_t>;
  static constexpr std::array<Range, 32> kRanges = {
      {{0x7fd, 0x7fd},     {0x898, 0x89f},     {0x8ca, 0x8d3},     {0x9fe, 0x9fe},
       {0xc3c, 0xc3c},     {0xd3b, 0xd3c},     {0xeba, 0xeba},     {0x1715, 0x1715},
       {0x1abf, 0x1ace},   {0x1df6, 0x1dfa},   {0xa82c, 0xa82c},   {0x10d24, 0x10d27},
       {0x10eab, 0x10eac}, {0x10f46, 0x10f50}, {0x10f82, 0x10f85}, {0x11070, 0x11070},
       {0x1133b, 0x1133b}, {0x1145e, 0x1145e}, {0x11839, 0x1183a}, {0x1193d, 0x1193e},
       {0x11943, 0x11943}, {0x119e0, 0x119e0}, {0x11a34, 0x11a34}, {0x11a47, 0x11a47},
       {0x11a99, 0x11a99}, {0x11d42, 0x11d42}, {0x11d44, 0x11d45}, {0x11d97, 0x11d97},
       {0x16ff0, 0x16ff1}, {0x1e130, 0x1e136}, {0x1e2ae, 0x1e2ae}, {0x1e2ec, 0x1e2ef}}};
  if (code_point < kRanges.front().first) return false;
  const auto after = std::upper_bound(kRanges.begin(), kRanges.end(), code_point,
                                      [](auto c, const Range& range) { return c < range.first; });
  return code_point <= std::prev(after)->second;
}

int combining_class(utf8proc_int32_t code_point) {
  const int known = utf8proc_get_property(code_point)->combining_class;
  return known == 0 || is_newer_mark(code_point) ? 0 : known;
}

/// Canonical order: within each run of marks, by class, equal classes as they came. utf8proc's own
/// ordering is quadratic in the length of a run.
void order_marks(std::vector<utf8proc_int32_t>& text) {
  for (auto begin = text.begin(); begin != text.end();) {
    if (combining_class(*begin) == 0) {
      ++begin;
      continue;
    }
    const auto end =
        std::find_if(begin, text.end(), [](auto c) { return combining_class(c) == 0; });
    std::stable_sort(begin, end,
                     [](auto a, auto b) { return combining_class(a) < combining_class(b); });
    begin = end;
  }
}

// utf8proc 2.8 takes this one for a final consonant and swallows it. It composes with nothing, so
// text may be cut before it.
constexpr utf8proc_int32_t kBeforeFinalConsonants = 0x11a7;

/// Composes decomposed text in place.
void compose(std::vector<utf8proc_int32_t>& text) {
  constexpr auto kOptions = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE);
  auto written = text.begin();
  for (auto begin = text.begin(); begin != text.end();) {
    const auto end = std::find_if(begin + 1, text.end(), [](auto c) {
      return c == kBeforeFinalConsonants ||
             (utf8proc_get_property(c)->combining_class != 0 && is_newer_mark(c));
    });
    const auto count = utf8proc_normalize_utf32(&*begin, end - begin, kOptions);
    if (count < 0) fail("Unicode normalisation: ", utf8proc_errmsg(count));
    written = std::copy(begin, begin + count, written);
    begin = end;
  }
  text.erase(written, text.end());
}

}  // namespace

Character character_at(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) {
    return static_cast<char32_t>(static_cast<unsigned char>(text[at + i]));
  };
  const char32_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  if (lead < 0xe0) return {(lead & 0x1f) << 6 | (byte(1) & 0x3f), 2};
  if (lead < 0xf0) {
    return {(lead & 0x0f) << 12 | (byte(1) & 0x3f) << 6 | (byte(2) & 0x3f), 3};
  }
  return {(lead & 0x07) << 18 | (byte(1) & 0x3f) << 12 | (byte(2) & 0x3f) << 6 | (byte(3) & 0x3f),
          4};
}

Character character_before(std::string_view text, std::size_t end) {
  std::size_t begin = end - 1;
  while (begin > 0 && (static_cast<unsigned char>(text[begin]) & 0xc0) == 0x80) --begin;
  return character_at(text, begin);
}

void append_utf8(std::string& out, char32_t code_point) {
  utf8proc_uint8_t bytes[4];
  const auto count = utf8proc_encode_char(static_cast<utf8proc_int32_t>(code_point), bytes);
  out.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(count));
}

std::size_t append_valid_utf8(std::string_view bytes, bool final, std::string& out) {
  std::size_t at = 0;
  while (at < bytes.size()) {
    const auto ascii = skip_ascii(bytes, at);
    out.append(bytes, at, ascii - at);
    at = ascii;
    if (at == bytes.size()) break;
    const auto next = scan(bytes, at);
    if (next.kind == Sequence::kCut && !final) return at;
    if (next.kind == Sequence::kWhole) {
      out.append(bytes, at, next.bytes);
    } else {
      out += kReplacement;
    }
    at += next.bytes;
  }
  return at;
}

std::string normalize(std::string_view text, NormalForm form) {
  if (is_ascii(text)) return std::string(text);
  const bool compatible = form == NormalForm::kNfkc || form == NormalForm::kNfkd;
  const bool composed = form == NormalForm::kNfc || form == NormalForm::kNfkc;
  const int decomposition =
      UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | (compatible ? UTF8PROC_COMPAT : 0);
  std::vector<utf8proc_int32_t> characters;
  characters.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const auto next = character_at(text, at);
    decompose(next.code_point, decomposition, characters);
    at += next.bytes;
  }
  order_marks(characters);
  if (composed) compose(characters);
  std::string out;
  out.reserve(text.size());
  for (const auto c : characters) append_utf8(out, static_cast<char32_t>(c));
  return out;
}

std::string lowercase(std::string_view text) {
  constexpr char32_t kCapitalIWithDot = 0x130;  // the one character whose lower case is two
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const auto next = character_at(text, at);
    at += next.bytes;
    if (next.code_point == kCapitalIWithDot) {
      out += "i\u0307";
    } else {
      append_utf8(out, static_cast<char32_t>(
                           utf8proc_tolower(static_cast<utf8proc_int32_t>(next.code_point))));
    }
  }
  return out;
}

bool is_white_space(char32_t c) {
  return (c >= 0x9 && c <= 0xd) || c == 0x20 || c == 0x85 || c == 0xa0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f ||
         c == 0x3000;
}

bool is_word_character(char32_t c) {
  const bool circled_letter = (c >= 0x24b6 && c <= 0x24e9) || (c >= 0x1f130 && c <= 0x1f149) ||
                              (c >= 0x1f150 && c <= 0x1f169) || (c >= 0x1f170 && c <= 0x1f189);
  if (circled_letter || c == 0x200c || c == 0x200d) return true;
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(c))) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_PC:
      return true;
    default:
      return false;
  }
}

}  // namespace hone
