#include <limits>
#include <stdexcept>
#include <utility>

#include <hone/base/error.h>
#include <hone/base/row_source.h>
#include <hone/data/row_lines.h>
#include <hone/data/tokenized.h>

namespace hone {
namespace {

namespace fs = std::filesystem;

void check_labels(const RowLineParser& parser, const TokenizedRow& row) {
  const auto size = row.input_ids.size();
  if (size == 0) parser.refuse("\"input_ids\" is empty");
  if (size != row.labels.size()) parser.refuse(size, " ids, but ", row.labels.size(), " labels");
  parser.check_length(size);
  parser.check_ids(row.input_ids);
  for (std::size_t i = 0; i < size; ++i) {
    if (row.labels[i] != kIgnoredLabel && row.labels[i] != row.input_ids[i]) {
      parser.refuse("label ", row.labels[i], " at index ", i, " is neither -100 nor the id ",
                    row.input_ids[i]);
    }
  }
  if (row.labels[0] != kIgnoredLabel) parser.refuse("the label of the first token must be -100");
}

TokenizedRow parse_row(RowLineParser& parser, std::string_view line, std::size_t number) {
  TokenizedRow row;
  parser.parse(line, number, "ids and labels", [&](const simdjson::dom::object& object) {
    bool has_ids = false;
    bool has_labels = false;
    for (const auto& field : object) {
      const bool is_labels = field.key == "labels";
      bool& seen = is_labels ? has_labels : has_ids;
      if ((!is_labels && field.key != "input_ids") || seen)
        parser.refuse("unexpected key \"", field.key, "\"");
      seen = true;
      (is_labels ? row.labels : row.input_ids) = parser.ids(field.value, kIgnoredLabel);
    }
    if (!has_ids || !has_labels) parser.refuse("a row needs \"input_ids\" and \"labels\"");
  });
  check_labels(parser, row);
  return row;
}

}  // namespace

std::int64_t count_trained(const TokenizedRow& row) {
  std::int64_t count = 0;
  for (const auto label : row.labels) count += label != kIgnoredLabel;
  return count;
}

void append(TokenizedLines& lines, const TokenizedRow& row) {
  if (row.input_ids.empty() || row.input_ids.size() != row.labels.size()) {
    throw std::logic_error("a tokenized row needs as many labels as ids");
  }
  lines.text += "{\"input_ids\":";
  append_ids(lines.text, row.input_ids);
  lines.text += ",\"labels\":";
  append_ids(lines.text, row.labels);
  lines.text += "}\n";
  count_row(lines, static_cast<std::int64_t>(row.input_ids.size()), count_trained(row));
}

TokenizedWriter::TokenizedWriter(const fs::path& path, TokenizedHeader header)
    : file_(path), header_(std::move(header)) {
  // Room for the largest counts and the longest kind: the final header is padded with spaces.
  auto widest = header_;
  widest.kind = RecordKind::kPreference;
  widest.rows = widest.tokens = widest.trained_tokens = std::numeric_limits<std::int64_t>::max();
  header_bytes_ = header_line(widest).size();
  header_.rows = header_.tokens = header_.trained_tokens = 0;
  file_.write(std::string(header_bytes_, ' ') + "\n");
}

void TokenizedWriter::write(const TokenizedLines& lines) {
  file_.write(lines.text);
  header_.rows += lines.rows;
  header_.tokens += lines.tokens;
  header_.trained_tokens += lines.trained_tokens;
}

void TokenizedWriter::write(const TokenizedRow& row) {
  TokenizedLines lines;
  append(lines, row);
  write(lines);
}

void TokenizedWriter::commit() {
  auto line = header_line(header_);
  line.resize(header_bytes_, ' ');
  file_.rewrite_start(line);
  file_.commit();
}

void write_tokenized(const fs::path& path,
                     TokenizedHeader header,
                     const std::vector<TokenizedRow>& rows) {
  TokenizedWriter writer(path, std::move(header));
  for (const auto& row : rows) writer.write(row);
  writer.commit();
}

TokenizedHeader read_tokenized_header(const fs::path& path) {
  RowSource lines(path, {.layout = FileLayout::kJsonl, .table = {}});
  RowChunk chunk;
  if (!lines.next(chunk, 1)) fail(path.string(), ": is empty, expected tokenized data");
  return parse_header_line(chunk.text(0), chunk.place(0));
}

TokenizedHeader for_each_tokenized(const fs::path& path,
                                   const TokenizedCheck& check,
                                   const std::function<void(TokenizedRow)>& each) {
  RowLineParser parser(path, check);
  TokenizedHeader found;
  return for_each_row_line(path, RecordKind::kSft, check, found,
                           [&](std::string_view line, std::size_t number) {
                             auto row = parse_row(parser, line, number);
                             found.rows += 1;
                             found.tokens += static_cast<std::int64_t>(row.input_ids.size());
                             found.trained_tokens += count_trained(row);
                             each(std::move(row));
                           });
}

TokenizedData read_tokenized(const fs::path& path, const TokenizedCheck& check) {
  TokenizedData data;
  data.header = for_each_tokenized(path, check,
                                   [&](TokenizedRow row) { data.rows.push_back(std::move(row)); });
  return data;
}

}  // namespace hone
