#include <hone/text/regex.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <algorithm>
#include <utility>

#include <pcre2.h>

#include <hone/base/error.h>
#include <hone/base/utf8.h>

namespace hone {
namespace {

/// Backtracking steps after which a match is given up: seconds of work.
constexpr std::uint32_t kMatchLimit = 200'000'000;

/// White_Space as class members; PCRE2's own `\s` has U+180E besides.
constexpr std::string_view kWhiteSpace =
    "\\t\\n\\x0b\\f\\r \\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}"
    "\\x{205f}\\x{3000}";
// Letters and numbers that Unicode got with versions 15 and 16: Oniguruma has them, the PCRE2 of
// Debian 12 ends at 14. A newer one has them twice, which changes nothing.
constexpr std::string_view kLetters =
    "\\p{L}"
    "\\x{1c89}-\\x{1c8a}\\x{a7cb}-\\x{a7cd}\\x{a7da}-\\x{a7dc}\\x{105c0}-\\x{105f3}"
    "\\x{10d4a}-\\x{10d65}\\x{10d6f}-\\x{10d85}\\x{10ec2}-\\x{10ec4}\\x{1123f}-\\x{11240}"
    "\\x{11380}-\\x{11389}\\x{1138b}\\x{1138e}\\x{11390}-\\x{113b5}\\x{113b7}\\x{113d1}"
    "\\x{113d3}\\x{11bc0}-\\x{11be0}\\x{11f02}\\x{11f04}-\\x{11f10}\\x{11f12}-\\x{11f33}"
    "\\x{1342f}\\x{13441}-\\x{13446}\\x{13460}-\\x{143fa}\\x{16100}-\\x{1611d}"
    "\\x{16d40}-\\x{16d6c}\\x{18cff}\\x{1b132}\\x{1b155}\\x{1df25}-\\x{1df2a}"
    "\\x{1e030}-\\x{1e06d}\\x{1e4d0}-\\x{1e4eb}\\x{1e5d0}-\\x{1e5ed}\\x{1e5f0}\\x{2b739}"
    "\\x{2ebf0}-\\x{2ee5d}\\x{31350}-\\x{323af}";
constexpr std::string_view kNumbers =
    "\\p{N}"
    "\\x{10d40}-\\x{10d49}\\x{116d0}-\\x{116e3}\\x{11bf0}-\\x{11bf9}\\x{11f50}-\\x{11f59}"
    "\\x{16130}-\\x{16139}\\x{16d70}-\\x{16d79}\\x{1ccf0}-\\x{1ccf9}\\x{1d2c0}-\\x{1d2d3}"
    "\\x{1e4f0}-\\x{1e4f9}\\x{1e5f1}-\\x{1e5fa}";
constexpr std::string_view kWordBesides = "\\p{M}\\p{Pc}\\x{24b6}-\\x{24e9}";
constexpr std::string_view kHexDigit = "0-9a-fA-F";

/// Rewrites the places where Oniguruma and PCRE2 read the same pattern differently.
class Translator {
 public:
  Translator(std::string_view pattern, const std::string& place)
      : pattern_(pattern), place_(place) {}

  std::string run() {
    while (at_ < pattern_.size()) step();
    return std::move(out_);
  }

 private:
  bool looking_at(std::string_view text) const { return pattern_.substr(at_).starts_with(text); }

  void copy(std::size_t count) {
    count = std::min(count, pattern_.size() - at_);
    out_.append(pattern_, at_, count);
    at_ += count;
  }

  void step() {
    const char c = pattern_[at_];
    if (c == '\\') return escape();
    if (in_class_) return class_member(c);
    if (c == '[') return open_class();
    if (looking_at("(?")) return group_options();
    copy(1);
  }

  void open_class() {
    in_class_ = true;
    copy(1);
    if (looking_at("^")) copy(1);
    if (looking_at("]")) copy(1);  // a first `]` is a member
  }

  void class_member(char c) {
    if (looking_at("&&"))
      fail(place_, ": set intersection in a pattern is not supported: ", quote(pattern_));
    if (looking_at("[:")) {
      const auto end = pattern_.find(":]", at_);
      if (end != std::string_view::npos) return copy(end + 2 - at_);
    }
    if (c == '[')
      fail(place_, ": a set within a set in a pattern is not supported: ", quote(pattern_));
    if (c == ']') in_class_ = false;
    copy(1);
  }

  /// In `(?m)` and `(?m:` Oniguruma's m lets the dot match line ends, which PCRE2 calls s.
  void group_options() {
    copy(2);
    auto end = at_;
    while (end < pattern_.size() &&
           std::string_view("imx-").find(pattern_[end]) != std::string_view::npos)
      ++end;
    if (end == pattern_.size() || (pattern_[end] != ')' && pattern_[end] != ':')) return;
    for (; at_ < end; ++at_) out_ += pattern_[at_] == 'm' ? 's' : pattern_[at_];
  }

  /// `members` as a class of its own, or as part of the class that is open.
  void replace_by_class(std::string_view members, bool negated) {
    at_ += 2;
    if (in_class_ && negated)
      fail(place_, ": a negated word class within a set is not supported: ", quote(pattern_));
    out_ += in_class_ ? concat(members) : concat(negated ? "[^" : "[", members, "]");
  }

  void escape() {
    const char c = at_ + 1 < pattern_.size() ? pattern_[at_ + 1] : '\0';
    if (c == 'S' && in_class_) {
      at_ += 2;
      out_ += "\\P{White_Space}";
    } else if (c == 's' || c == 'S') {
      replace_by_class(kWhiteSpace, c == 'S');
    } else if (c == 'w' || c == 'W') {
      replace_by_class(concat(kLetters, kNumbers, kWordBesides), c == 'W');
    } else if (c == 'p' && (looking_at("\\p{L}") || looking_at("\\p{N}"))) {
      replace_by_class(pattern_[at_ + 3] == 'L' ? kLetters : kNumbers, false);
      at_ += 3;  // the name in braces
    } else if (c == 'h' || c == 'H') {
      replace_by_class(kHexDigit, c == 'H');
    } else if (c == 'u') {
      out_ += concat("\\x{", pattern_.substr(std::min(at_ + 2, pattern_.size()), 4), "}");
      at_ = std::min(at_ + 6, pattern_.size());
    } else {
      copy(2);
    }
  }

  std::string_view pattern_;
  const std::string& place_;
  std::string out_;
  std::size_t at_ = 0;
  bool in_class_ = false;
};

std::string message_of(int error) {
  PCRE2_UCHAR text[256];
  pcre2_get_error_message(error, text, sizeof text);
  return reinterpret_cast<const char*>(text);
}

struct FreeCompileContext {
  void operator()(pcre2_compile_context* context) const { pcre2_compile_context_free(context); }
};

}  // namespace

struct Regex::Code {
  std::string pattern;
  pcre2_code* compiled = nullptr;
  pcre2_match_context* context = nullptr;

  Code() = default;
  Code(const Code&) = delete;
  Code& operator=(const Code&) = delete;
  ~Code() {
    pcre2_match_context_free(context);
    pcre2_code_free(compiled);
  }
};

Regex::Regex(std::string_view pattern, const std::string& place) {
  if (pattern.size() > 100'000) fail(place, ": pattern of ", pattern.size(), " bytes is too long");
  auto code = std::make_shared<Code>();
  code->pattern = pattern;
  const auto translated = Translator(pattern, place).run();
  const std::unique_ptr<pcre2_compile_context, FreeCompileContext> context(
      pcre2_compile_context_create(nullptr));
  pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);
  int error = 0;
  PCRE2_SIZE offset = 0;
  code->compiled =
      pcre2_compile(reinterpret_cast<PCRE2_SPTR>(translated.data()), translated.size(),
                    PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE, &error, &offset, context.get());
  if (code->compiled == nullptr)
    fail(place, ": bad pattern ", quote(pattern), ": ", message_of(error));
  // Where the machine has no compiler for patterns, the interpreter gives the same matches.
  pcre2_jit_compile(code->compiled, PCRE2_JIT_COMPLETE);
  code->context = pcre2_match_context_create(nullptr);
  pcre2_set_match_limit(code->context, kMatchLimit);
  code_ = std::move(code);
}

std::string escape_pattern(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (std::string_view("\\^$.[]|()?*+{}-#&~ ").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

struct RegexMatcher::Data {
  pcre2_match_data* match = pcre2_match_data_create(1, nullptr);
  Data() = default;
  Data(const Data&) = delete;
  Data& operator=(const Data&) = delete;
  ~Data() { pcre2_match_data_free(match); }
};

RegexMatcher::RegexMatcher(const Regex& regex)
    : code_(&regex.code()), data_(std::make_unique<Data>()) {}
RegexMatcher::~RegexMatcher() = default;
RegexMatcher::RegexMatcher(RegexMatcher&&) noexcept = default;

std::optional<RegexMatcher::Match> RegexMatcher::find(std::string_view text, std::size_t from) {
  const auto match = [&](std::uint32_t options) {
    return pcre2_match(code_->compiled, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(),
                       from, PCRE2_NO_UTF_CHECK | options, data_->match, code_->context);
  };
  int result = match(0);
  // Compiled patterns have a stack of fixed size; the interpreter's grows on the heap.
  if (result == PCRE2_ERROR_JIT_STACKLIMIT) result = match(PCRE2_NO_JIT);
  if (result == PCRE2_ERROR_NOMATCH) return std::nullopt;
  if (result < 0) {
    fail("pattern ", quote(code_->pattern), ": matching failed at byte ", from, " of ", text.size(),
         ": ", message_of(result));
  }
  const auto* range = pcre2_get_ovector_pointer(data_->match);
  if (range[1] < range[0])
    fail("pattern ", quote(code_->pattern), ": \\K in a lookaround is not supported");
  return Match{range[0], range[1]};
}

}  // namespace hone
