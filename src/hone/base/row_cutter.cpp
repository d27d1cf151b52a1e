#include <hone/base/row_cutter.h>

namespace hone {
namespace {

constexpr std::string_view kJsonSpace = " \t\r\n";

std::string_view without_line_end(std::string_view line) {
  if (line.ends_with('\n')) line.remove_suffix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

std::optional<std::string_view> unless_blank(std::string_view line) {
  if (line.find_first_not_of(" \t") == std::string_view::npos) return std::nullopt;
  return line;
}

class LineCutter : public RowCutter {
 public:
  std::optional<std::size_t> find_end(std::string_view text, std::size_t looked_at) override {
    const auto end = text.find('\n', looked_at);
    if (end == std::string_view::npos) return std::nullopt;
    return end + 1;
  }
  std::optional<std::string_view> row_in(std::string_view piece) const override {
    return unless_blank(without_line_end(piece));
  }
};

class TableCutter : public RowCutter {
 public:
  explicit TableCutter(char separator) : separator_(separator) {}

  std::optional<std::size_t> find_end(std::string_view text, std::size_t looked_at) override {
    for (std::size_t i = looked_at; i < text.size(); ++i) {
      if (in_quotes_) {
        i = text.find('"', i);
        if (i == std::string_view::npos) break;
        // A doubled quote closes and opens again: the field goes on in either reading.
        in_quotes_ = false;
        field_starts_ = true;
      } else if (text[i] == '\n') {
        field_starts_ = true;
        return i + 1;
      } else {
        in_quotes_ = field_starts_ && text[i] == '"';
        field_starts_ = text[i] == separator_;
      }
    }
    return std::nullopt;
  }
  std::optional<std::string_view> row_in(std::string_view piece) const override {
    // White space is a field of a table; only an empty line is none.
    const auto line = without_line_end(piece);
    return line.empty() ? std::nullopt : std::optional(line);
  }

 private:
  char separator_;
  bool in_quotes_ = false;
  bool field_starts_ = true;
};

class ArrayCutter : public RowCutter {
 public:
  std::optional<std::size_t> find_end(std::string_view text, std::size_t looked_at) override {
    for (std::size_t i = looked_at; i < text.size(); ++i) {
      if (ends_piece(text[i])) return i + 1;
    }
    return std::nullopt;
  }

  std::optional<std::string_view> row_in(std::string_view piece) const override {
    if (found_ == Found::kOpening || found_ == Found::kBehind) return std::nullopt;
    piece.remove_suffix(1);
    const auto begin = piece.find_first_not_of(kJsonSpace);
    if (begin != std::string_view::npos)
      return piece.substr(begin, piece.find_last_not_of(kJsonSpace) + 1 - begin);
    if (found_ == Found::kLast && elements_ == 1) return std::nullopt;  // an empty array
    return std::string_view();
  }

  const char* complaint_at_end() const override {
    if (found_ == Found::kBehind) return "text behind the end of the array";
    return closed_ ? nullptr : "the array is not closed";
  }

 private:
  enum class Found { kOpening, kElement, kLast, kBehind };

  /// Looks at one character; whether it is the last of a piece.
  bool ends_piece(char c) {
    if (in_string_) {
      if (escaped_) {
        escaped_ = false;
      } else if (c == '\\') {
        escaped_ = true;
      } else {
        in_string_ = c != '"';
      }
      return false;
    }
    if (closed_) {
      if (kJsonSpace.find(c) == std::string_view::npos) found_ = Found::kBehind;
      return found_ == Found::kBehind;
    }
    switch (c) {
      case '"':
        in_string_ = true;
        return false;
      case '{':
      case '[':
        return depth_++ == 0;
      case '}':
        if (depth_ > 1) --depth_;
        return false;
      case ']':
        if (depth_ > 1) {
          --depth_;
          return false;
        }
        closed_ = true;
        ++elements_;
        found_ = Found::kLast;
        return true;
      case ',':
        if (depth_ != 1) return false;
        ++elements_;
        found_ = Found::kElement;
        return true;
      default:
        return false;
    }
  }

  Found found_ = Found::kOpening;
  std::size_t depth_ = 0;  // 1: in the array itself
  std::size_t elements_ = 0;
  bool in_string_ = false;
  bool escaped_ = false;
  bool closed_ = false;
};

}  // namespace

std::unique_ptr<RowCutter> make_line_cutter() {
  return std::make_unique<LineCutter>();
}

std::unique_ptr<RowCutter> make_table_cutter(char separator) {
  return std::make_unique<TableCutter>(separator);
}

std::unique_ptr<RowCutter> make_array_cutter() {
  return std::make_unique<ArrayCutter>();
}

}  // namespace hone
