#include <charconv>
#include <optional>

#include <hone/base/row_source.h>
#include <hone/data/row_lines.h>

namespace hone {

void append_ids(std::string& text, const std::vector<std::int32_t>& values) {
  char digits[12];
  text += '[';
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i > 0) text += ',';
    const auto end = std::to_chars(digits, digits + sizeof digits, values[i]).ptr;
    text.append(digits, end);
  }
  text += ']';
}

TokenizedHeader for_each_row_line(const std::filesystem::path& path,
                                  RecordKind kind,
                                  const TokenizedCheck& check,
                                  const TokenizedHeader& found,
                                  const std::function<void(std::string_view, std::size_t)>& each) {
  RowSource lines(path, {.layout = FileLayout::kJsonl, .table = {}});
  RowChunk chunk;
  std::optional<TokenizedHeader> header;
  while (lines.next(chunk)) {
    for (std::size_t i = 0; i < chunk.size(); ++i) {
      if (header) {
        each(chunk.text(i), chunk.line(i));
      } else {
        header = parse_header_line(chunk.text(i), chunk.place(i));
        check_header(path, *header, kind, check);
      }
    }
  }
  if (!header) fail(path.string(), ": is empty, expected tokenized data");
  check_counts(path, *header, found);
  return *header;
}

// The document parser, not the on-demand one: it picks the processor's fast code at run time, and
// refuses a second value on the line.
simdjson::dom::object RowLineParser::object_on(std::string_view line) {
  buffer_.assign(line);
  buffer_.append(simdjson::SIMDJSON_PADDING, ' ');
  return parser_.parse(buffer_.data(), line.size(), false).get_object();
}

std::vector<std::int32_t> RowLineParser::ids(const simdjson::dom::element& value,
                                             std::int32_t least) const {
  const simdjson::dom::array array = value.get_array();
  std::vector<std::int32_t> numbers;
  numbers.reserve(array.size());
  for (const auto element : array) {
    const std::int64_t number = element.get_int64();
    if (number < least || number > INT32_MAX) refuse("id ", number, " is out of range");
    numbers.push_back(static_cast<std::int32_t>(number));
  }
  return numbers;
}

void RowLineParser::check_ids(const std::vector<std::int32_t>& ids) const {
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] < 0) refuse("id ", ids[i], " at index ", i, " is negative");
    if (check_.vocab_size > 0 && ids[i] >= check_.vocab_size) {
      refuse("id ", ids[i], " at index ", i, " is outside the vocabulary of ", check_.vocab_size);
    }
  }
}

void RowLineParser::check_length(std::size_t size) const {
  if (check_.max_length > 0 && static_cast<std::int64_t>(size) > check_.max_length)
    refuse(size, " tokens, the model's context is ", check_.max_length);
}

}  // namespace hone
