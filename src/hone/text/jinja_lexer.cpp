#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <optional>

#include <hone/base/error.h>
#include <hone/text/jinja_lexer.h>
#include <hone/text/jinja_unicode.h>

namespace hone::jinja {
namespace {

/// Line ends as "\n", one at the very end dropped.
std::string normalize_lines(std::string_view source) {
  std::string result;
  result.reserve(source.size());
  for (std::size_t i = 0; i < source.size(); ++i) {
    if (source[i] != '\r') {
      result += source[i];
      continue;
    }
    result += '\n';
    if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
  }
  if (result.ends_with('\n')) result.pop_back();
  return result;
}

class Lexer {
 public:
  Lexer(std::string source, const std::string& place, Environment environment)
      : source_(std::move(source)), place_(place), trims_(environment == Environment::kChat) {}

  std::vector<Token> run() {
    while (at_ < source_.size()) read_data();
    add(Token::Kind::kEnd, {});
    return std::move(tokens_);
  }

 private:
  [[noreturn]] void error(std::string_view what) const { fail(place_, ":", line_, ": ", what); }

  void add(Token::Kind kind, std::string text) {
    Token token;
    token.kind = kind;
    token.text = std::move(text);
    token.line = line_;
    tokens_.push_back(std::move(token));
  }

  bool looking_at(std::string_view text, std::size_t position) const {
    return std::string_view(source_).substr(position).starts_with(text);
  }

  /// Moves on to `end`, counting lines.
  void advance(std::size_t end) {
    line_ += static_cast<int>(std::count(source_.begin() + static_cast<std::ptrdiff_t>(at_),
                                         source_.begin() + static_cast<std::ptrdiff_t>(end), '\n'));
    line_starting_ = end > at_ ? source_[end - 1] == '\n' : line_starting_;
    at_ = end;
  }

  std::size_t skip_spaces(std::size_t position) const {
    while (position < source_.size()) {
      std::size_t next = position;
      if (!is_space(next_code(source_, next))) break;
      position = next;
    }
    return position;
  }

  /// The first "{{", "{%" or "{#" from here, or the end.
  std::size_t next_tag() const {
    for (std::size_t i = at_; i + 1 < source_.size(); ++i) {
      if (source_[i] == '{' &&
          (source_[i + 1] == '{' || source_[i + 1] == '%' || source_[i + 1] == '#'))
        return i;
    }
    return source_.size();
  }

  /// The end of the text `begin` .. `tag` once the tag's sign and lstrip_blocks have had their way.
  std::size_t stripped_end(std::size_t begin, std::size_t tag, char sign, bool variable) const {
    const std::string_view text(source_);
    if (sign == '-') {
      while (tag > begin) {
        std::size_t start = previous_start(text, tag);
        std::size_t position = start;
        if (!is_space(next_code(text, position))) break;
        tag = start;
      }
      return tag;
    }
    if (sign == '+' || variable || !trims_) return tag;
    const auto line_end =
        begin == tag ? std::string::npos : text.substr(begin, tag - begin).rfind('\n');
    if (line_end == std::string::npos && !line_starting_) return tag;
    const std::size_t line = line_end == std::string::npos ? begin : begin + line_end + 1;
    return skip_spaces(line) >= tag ? line : tag;
  }

  void add_data(std::size_t end) {
    if (end > at_) add(Token::Kind::kData, source_.substr(at_, end - at_));
  }

  static char sign_of(char c) { return c == '-' || c == '+' ? c : '\0'; }
  char char_at(std::size_t position) const {
    return position < source_.size() ? source_[position] : '\0';
  }

  void read_data() {
    const std::size_t tag = next_tag();
    if (tag == source_.size()) {
      add_data(tag);
      return advance(tag);
    }
    const char sign = sign_of(char_at(tag + 2));
    const bool variable = source_[tag + 1] == '{';
    add_data(stripped_end(at_, tag, sign, variable));
    const std::size_t inside = tag + 2 + (sign != '\0' ? 1 : 0);
    if (source_[tag + 1] == '%') {
      if (const auto raw = raw_begin(inside)) {
        advance(*raw);
        return read_raw();
      }
    }
    advance(inside);
    if (source_[tag + 1] == '#') return read_comment();
    add(variable ? Token::Kind::kVariableBegin : Token::Kind::kBlockBegin, {});
    read_tag(variable);
  }

  /// Where the text of a raw block starts, if `raw %}` stands at `position`.
  std::optional<std::size_t> raw_begin(std::size_t position) const {
    position = skip_spaces(position);
    if (!looking_at("raw", position)) return std::nullopt;
    position = skip_spaces(position + 3);
    if (looking_at("-%}", position)) return skip_spaces(position + 3);
    if (looking_at("%}", position)) return position + 2;
    return std::nullopt;
  }

  void read_raw() {
    for (std::size_t tag = source_.find("{%", at_); tag != std::string::npos;
         tag = source_.find("{%", tag + 1)) {
      const char sign = sign_of(char_at(tag + 2));
      std::size_t position = skip_spaces(tag + 2 + (sign != '\0' ? 1 : 0));
      if (!looking_at("endraw", position)) continue;
      position = skip_spaces(position + 6);
      const auto end = block_end(position);
      if (!end) continue;
      add_data(stripped_end(at_, tag, sign, false));
      return advance(*end);
    }
    error("a raw block is not closed by {% endraw %}");
  }

  /// Behind the end of a block tag at `position`, with the white space it takes along.
  std::optional<std::size_t> block_end(std::size_t position) const {
    if (looking_at("+%}", position)) return position + 3;
    if (looking_at("-%}", position)) return skip_spaces(position + 3);
    if (!looking_at("%}", position)) return std::nullopt;
    position += 2;
    return trims_ && char_at(position) == '\n' ? position + 1 : position;
  }

  void read_comment() {
    const auto hash = source_.find("#}", at_);
    if (hash == std::string::npos) error("a comment is not closed by #}");
    const char sign = hash > at_ ? sign_of(source_[hash - 1]) : '\0';
    std::size_t end = hash + 2;
    if (sign == '-') end = skip_spaces(end);
    if (trims_ && sign == '\0' && char_at(end) == '\n') ++end;
    advance(end);
  }

  std::optional<std::size_t> tag_end(bool variable) const {
    if (!variable) return block_end(at_);
    if (looking_at("-}}", at_)) return skip_spaces(at_ + 3);
    if (looking_at("}}", at_)) return at_ + 2;
    return std::nullopt;
  }

  void read_tag(bool variable) {
    std::string open;  // the brackets that are open
    while (at_ < source_.size()) {
      if (open.empty()) {
        if (const auto end = tag_end(variable)) {
          add(variable ? Token::Kind::kVariableEnd : Token::Kind::kBlockEnd, {});
          return advance(*end);
        }
      }
      read_token(open);
    }
  }

  void read_token(std::string& open) {
    if (const auto behind = skip_spaces(at_); behind > at_) return advance(behind);
    const char c = source_[at_];
    if (c >= '0' && c <= '9') return read_number();
    if (c == '\'' || c == '"') return read_string(c);
    std::size_t end = at_;
    while (end < source_.size()) {
      std::size_t next = end;
      if (!is_word(next_code(source_, next))) break;
      end = next;
    }
    if (end > at_) {
      add(Token::Kind::kName, source_.substr(at_, end - at_));
      return advance(end);
    }
    read_operator(open);
  }

  void read_operator(std::string& open) {
    static constexpr std::array<std::string_view, 6> kLong = {"//", "**", "==", "!=", ">=", "<="};
    static constexpr std::string_view kShort = "+-*/%~[](){}<>=.:|,;";
    std::string text = source_.substr(at_, 2);
    if (std::ranges::find(kLong, text) == kLong.end()) text.resize(1);
    if (text.size() == 1 && kShort.find(text[0]) == std::string_view::npos) {
      std::size_t next = at_;
      next_code(source_, next);
      error(concat("unexpected character \"", source_.substr(at_, next - at_), "\""));
    }
    const char c = text[0];
    if (c == '(' || c == '[' || c == '{') open += c == '(' ? ')' : c == '[' ? ']' : '}';
    if (c == ')' || c == ']' || c == '}') {
      if (open.empty()) error(concat("unexpected \"", c, "\""));
      if (open.back() != c) error(concat("unexpected \"", c, "\", expected \"", open.back(), "\""));
      open.pop_back();
    }
    const std::size_t end = at_ + text.size();
    add(Token::Kind::kOperator, std::move(text));
    advance(end);
  }

  /// The end of digits of `base` with single underscores between them, `position` where there are
  /// none.
  std::size_t digits_end(std::size_t position, int base) const {
    const auto is_digit_of = [base](char c) {
      if (base <= 10) return c >= '0' && c < '0' + base;
      return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
    };
    std::size_t end = position;
    while (is_digit_of(char_at(end)) ||
           (char_at(end) == '_' && end > position && is_digit_of(char_at(end + 1)))) {
      ++end;
    }
    return end;
  }

  /// The end of a float at the current place, or nothing.
  std::optional<std::size_t> float_end() const {
    if (at_ > 0 && source_[at_ - 1] == '.') return std::nullopt;
    std::size_t end = digits_end(at_, 10);
    bool is_float = false;
    if (char_at(end) == '.' && digits_end(end + 1, 10) > end + 1) {
      end = digits_end(end + 1, 10);
      is_float = true;
    }
    if ((char_at(end) | 0x20) == 'e') {
      const std::size_t digits = end + 1 + (sign_of(char_at(end + 1)) != '\0' ? 1 : 0);
      if (const auto exponent_end = digits_end(digits, 10); exponent_end > digits) {
        end = exponent_end;
        is_float = true;
      }
    }
    return is_float ? std::optional(end) : std::nullopt;
  }

  void read_number() {
    Token token;
    token.kind = Token::Kind::kNumber;
    token.line = line_;
    std::size_t end = at_;
    if (const auto float_at = float_end()) {
      end = *float_at;
      token.number = Value::real(std::strtod(plain_digits(at_, end).c_str(), nullptr));
    } else {
      token.number = read_integer(end);
    }
    token.text = source_.substr(at_, end - at_);
    tokens_.push_back(std::move(token));
    advance(end);
  }

  std::string plain_digits(std::size_t begin, std::size_t end) const {
    std::string digits = source_.substr(begin, end - begin);
    std::erase(digits, '_');
    return digits;
  }

  Value read_integer(std::size_t& end) const {
    const char kind = static_cast<char>(char_at(at_ + 1) | 0x20);
    int base = char_at(at_) != '0' ? 10 : kind == 'b' ? 2 : kind == 'o' ? 8 : kind == 'x' ? 16 : 10;
    std::size_t begin = at_;
    if (base != 10) {
      begin = char_at(at_ + 2) == '_' ? at_ + 3 : at_ + 2;
      end = digits_end(begin, base);
      if (end == begin) base = 10;
    }
    if (base == 10) {
      begin = at_;
      end = digits_end(begin, char_at(begin) == '0' ? 1 : 10);
    }
    const std::string digits = plain_digits(begin, end);
    std::int64_t number = 0;
    const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), number, base);
    if (result.ec != std::errc()) error(concat("the number ", digits, " needs more than 64 bits"));
    return Value::integer(number);
  }

  void read_string(char quote) {
    std::size_t end = at_ + 1;
    while (end < source_.size() && source_[end] != quote) end += source_[end] == '\\' ? 2 : 1;
    if (end >= source_.size())
      error(concat("unexpected character \"", quote, "\": a string is not closed"));
    add(Token::Kind::kString, unescape(std::string_view(source_).substr(at_ + 1, end - at_ - 1)));
    advance(end + 1);
  }

  std::string unescape(std::string_view text) const {
    std::string out;
    for (std::size_t i = 0; i < text.size();) {
      if (text[i] != '\\') {
        out += text[i++];
        continue;
      }
      ++i;
      unescape_one(text, i, out);
    }
    return out;
  }

  /// One escape; `at` is behind the backslash.
  void unescape_one(std::string_view text, std::size_t& at, std::string& out) const {
    static constexpr std::string_view kFrom = "\\'\"abfnrtv";
    static constexpr std::string_view kTo = "\\'\"\a\b\f\n\r\t\v";
    const char c = text[at];
    if (c == '\n') {
      ++at;
    } else if (const auto simple = kFrom.find(c); simple != std::string_view::npos) {
      out += kTo[simple];
      ++at;
    } else if (c >= '0' && c <= '7') {
      char32_t code = 0;
      for (int i = 0; i < 3 && at < text.size() && text[at] >= '0' && text[at] <= '7'; ++i) {
        code = code * 8 + static_cast<char32_t>(text[at++] - '0');
      }
      append_utf8(out, code);
    } else if (c == 'x' || c == 'u' || c == 'U') {
      ++at;
      append_utf8(out, hex_escape(text, at, c == 'x' ? 2 : c == 'u' ? 4 : 8));
    } else if (c == 'N') {
      error("\\N{...} in a string is not supported");
    } else {
      keep_backslash(text, at, out);
    }
  }

  char32_t hex_escape(std::string_view text, std::size_t& at, std::size_t digits) const {
    std::uint32_t code = 0;
    const auto digits_text = text.substr(at, digits);
    const auto result =
        std::from_chars(digits_text.data(), digits_text.data() + digits_text.size(), code, 16);
    if (digits_text.size() < digits || result.ec != std::errc() ||
        result.ptr != digits_text.data() + digits_text.size() || code > 0x10FFFF) {
      error("a \\x, \\u or \\U escape in a string is cut short or out of range");
    }
    if (code >= 0xD800 && code < 0xE000) error("a lone surrogate in a string is not supported");
    at += digits;
    return code;
  }

  /// A backslash in front of anything else stays; Python then shows a character beyond ASCII as its
  /// escape.
  static void keep_backslash(std::string_view text, std::size_t& at, std::string& out) {
    out += '\\';
    const char32_t code = next_code(text, at);
    if (code < 0x80) {
      out += static_cast<char>(code);
      return;
    }
    const int width = code < 0x100 ? 2 : code < 0x10000 ? 4 : 8;
    out += width == 2 ? 'x' : width == 4 ? 'u' : 'U';
    for (int shift = 4 * (width - 1); shift >= 0; shift -= 4)
      out += "0123456789abcdef"[(code >> shift) & 15];
  }

  std::string source_;
  const std::string& place_;
  bool trims_;  // trim_blocks and lstrip_blocks
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  int line_ = 1;
  bool line_starting_ = true;
};

}  // namespace

std::vector<Token> tokenize(std::string_view source,
                            const std::string& place,
                            Environment environment) {
  return Lexer(normalize_lines(source), place, environment).run();
}

}  // namespace hone::jinja
