// What methods and filters of texts share: stripping, case, replacing, joining, lines.
#include <algorithm>

#include <hone/base/error.h>
#include <hone/text/jinja_methods.h>
#include <hone/text/jinja_unicode.h>

namespace hone::jinja {
namespace {

/// Whether a sigma at `at` ends a word: a cased letter before it, none behind, marks and points
/// left out.
bool ends_word(std::string_view text, std::size_t begin, std::size_t end) {
  const auto skipped = [](char32_t code) {
    return code == '\'' || code == '.' || code == ':' || code == '^' || code == '`' ||
           code == 0xAD || code == 0x2019 || (code >= 0x300 && code < 0x370);
  };
  bool before = false;
  for (std::size_t at = begin; at > 0;) {
    at = previous_start(text, at);
    std::size_t position = at;
    const char32_t code = next_code(text, position);
    if (skipped(code)) continue;
    before = is_cased(code);
    break;
  }
  if (!before) return false;
  for (std::size_t at = end; at < text.size();) {
    const char32_t code = next_code(text, at);
    if (!skipped(code)) return !is_cased(code);
  }
  return true;
}

std::u32string lower_at(std::string_view text, std::size_t begin, std::size_t end, char32_t code) {
  if (code == 0x3A3) return ends_word(text, begin, end) ? U"\u03c2" : U"\u03c3";
  return to_lower(code);
}

bool is_line_end(char32_t code) {
  return (code >= 0x0A && code <= 0x0D) || (code >= 0x1C && code <= 0x1E) || code == 0x85 ||
         code == 0x2028 || code == 0x2029;
}

/// Upper or lower case of a text that is all ASCII.
Text change_ascii_case(const Text& text, bool lower) {
  std::string changed = text.bytes();
  for (char& c : changed) {
    if (lower ? c >= 'A' && c <= 'Z' : c >= 'a' && c <= 'z') c = static_cast<char>(c ^ 0x20);
  }
  Text result;
  text.for_each_run([&](std::size_t begin, std::size_t end, Tag tag) {
    result.append(std::string_view(changed).substr(begin, end - begin), tag);
  });
  result.markup = text.markup;
  return result;
}

}  // namespace

Text strip(const Text& text, const Text* chars, bool left, bool right) {
  const std::string& bytes = text.bytes();
  std::u32string wanted;  // the characters to strip, in ascending order
  for (std::size_t at = 0; chars != nullptr && at < chars->size();)
    wanted += next_code(chars->bytes(), at);
  std::ranges::sort(wanted);
  const auto goes = [&](std::size_t at) {
    const char32_t code = next_code(bytes, at);
    return chars == nullptr ? is_space(code) : std::ranges::binary_search(wanted, code);
  };
  std::size_t begin = 0;
  std::size_t end = bytes.size();
  while (left && begin < end) {
    std::size_t next = begin;
    next_code(bytes, next);
    if (!goes(begin)) break;
    begin = next;
  }
  while (right && end > begin) {
    const std::size_t start = previous_start(bytes, end);
    if (!goes(start)) break;
    end = start;
  }
  return text.slice(begin, end);
}

Text change_case(Runtime& runtime, const Text& text, std::string_view how) {
  const std::string& bytes = text.bytes();
  runtime.make(bytes.size());
  const bool lower = how == "lower" || how == "casefold";
  if ((lower || how == "upper") && is_ascii(bytes)) return change_ascii_case(text, lower);
  runtime.read(16 * bytes.size());
  Text result;
  result.markup = text.markup;
  bool in_word = false;
  std::string piece;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t begin = at;
    const char32_t code = next_code(bytes, at);
    const bool first = how == "title" ? !in_word : how == "capitalize" && begin == 0;
    std::u32string codes;
    if (first) {
      codes = to_title(code);
    } else if (how == "upper" || (how == "swapcase" && is_lower(code))) {
      codes = to_upper(code);
    } else if (how == "casefold") {
      codes = to_folded(code);
    } else if (how == "swapcase" && !is_upper(code)) {
      codes.assign(1, code);
    } else {
      codes = lower_at(bytes, begin, at, code);
    }
    in_word = is_cased(code);
    piece.clear();
    for (const char32_t changed : codes) append_utf8(piece, changed);
    result.append(piece, text.tag_at(begin));
  }
  return result;
}

Text replace(
    Runtime& runtime, const Text& text, const Text& from, const Text& to, std::int64_t count) {
  const std::string& bytes = text.bytes();
  Text result;
  result.markup = text.markup;
  runtime.make(bytes.size());
  std::size_t copied = 0;
  std::size_t at = 0;
  for (; count != 0 && at <= bytes.size(); --count) {
    const auto found = find_text(bytes, from.bytes(), at);
    if (found == std::string::npos) break;
    runtime.make(to.size());
    runtime.step();
    result.append(text, copied, found);
    result.append(to);
    copied = found + from.size();
    at = copied;
    if (from.empty()) {  // between any two characters
      if (at == bytes.size()) break;
      next_code(bytes, at);
    }
  }
  result.append(text, copied, bytes.size());
  return result;
}

Text join_texts(Runtime& runtime, const Text& separator, const std::vector<Text>& texts) {
  Text result;
  bool first = true;
  for (const Text& text : texts) {
    runtime.make(text.size() + separator.size());
    if (!first) result.append(separator);
    first = false;
    result.append(text);
  }
  return result;
}

std::vector<Value> split_lines(Runtime& runtime, const Text& text, bool keep_ends) {
  const std::string& bytes = text.bytes();
  runtime.make(bytes.size());
  std::vector<Value> lines;
  std::size_t begin = 0;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t end = at;
    const char32_t code = next_code(bytes, at);
    if (!is_line_end(code)) continue;
    if (code == '\r' && at < bytes.size() && bytes[at] == '\n') ++at;
    runtime.make_items(1);
    lines.push_back(Value::text(text.slice(begin, keep_ends ? at : end)));
    begin = at;
  }
  if (begin < bytes.size()) lines.push_back(Value::text(text.slice(begin, bytes.size())));
  return lines;
}

bool has_case(std::string_view text, bool upper) {
  bool cased = false;
  for (std::size_t at = 0; at < text.size();) {
    const char32_t code = next_code(text, at);
    const bool wrong = upper ? is_lower(code) : is_upper(code);
    if (wrong || (is_cased(code) && !is_lower(code) && !is_upper(code))) return false;
    cased = cased || (upper ? is_upper(code) : is_lower(code));
  }
  return cased;
}

}  // namespace hone::jinja
