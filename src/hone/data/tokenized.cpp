#include <charconv>
#include <stdexcept>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>
#include <simdjson.h>

#include <hone/base/error.h>
#include <hone/base/json_io.h>
#include <hone/data/tokenized.h>

namespace hone {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFormat = "hone-tokens";
constexpr std::int64_t kVersion = 1;
constexpr std::int64_t kWidestCount = 9'223'372'036'854'775'807;

std::string header_line(const TokenizedHeader& header) {
  Json line = Json::object();
  line["format"] = kFormat;
  line["version"] = kVersion;
  line["tokenizer"] = header.tokenizer;
  line["template"] = header.chat_template;
  line["rows"] = header.rows;
  line["tokens"] = header.tokens;
  line["trained_tokens"] = header.trained_tokens;
  line["max_length"] = header.max_length;
  line["source"] = header.source;
  return to_json_line(line);
}

void append_array(std::string& text, const std::vector<std::int32_t>& values) {
  char digits[12];
  text += '[';
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i > 0) text += ',';
    const auto end = std::to_chars(digits, digits + sizeof digits, values[i]).ptr;
    text.append(digits, end);
  }
  text += ']';
}

std::string header_text(const Json& header, const char* key, const std::string& place) {
  if (!header.contains(key) || !header[key].is_string()) {
    fail(place, ": header: \"", key, "\" must be a string");
  }
  return header[key].get<std::string>();
}

std::int64_t header_count(const Json& header, const char* key, const std::string& place) {
  if (!header.contains(key) || !header[key].is_number_integer() || header[key] < 0 ||
      header[key] > kWidestCount) {
    fail(place, ": header: \"", key, "\" must be a count");
  }
  return header[key].get<std::int64_t>();
}

TokenizedHeader parse_header(std::string_view line, const std::string& place) {
  const char* advice = "not tokenized data (make it with hone-convert): ";
  if (!line.starts_with('{')) fail(place, ": ", advice, "the first line is no header");
  const auto header = parse_json(line, place);
  if (!header.contains("format") || header["format"] != kFormat) {
    fail(place, ": ", advice, "\"format\" is not \"", kFormat, "\"");
  }
  if (!header.contains("version") || header["version"] != kVersion) {
    fail(place, ": version ", header.contains("version") ? header["version"].dump() : "missing",
         " of ", kFormat, ", this program reads version ", kVersion);
  }
  return {.tokenizer = header_text(header, "tokenizer", place),
          .chat_template = header_text(header, "template", place),
          .rows = header_count(header, "rows", place),
          .tokens = header_count(header, "tokens", place),
          .trained_tokens = header_count(header, "trained_tokens", place),
          .max_length = header_count(header, "max_length", place),
          .source = header_text(header, "source", place)};
}

/// The next line without its line end; `text` loses it.
std::string_view take_line(std::string_view& text) {
  const auto end = text.find('\n');
  const auto line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

/// Parses row lines; one parser and one padded buffer serve all lines.
class RowParser {
 public:
  RowParser(const fs::path& path, const TokenizedCheck& check) : path_(path), check_(check) {}

  TokenizedRow parse(std::string_view line, std::size_t number) {
    line_number_ = number;
    TokenizedRow row;
    try {
      fill(line, row);
    } catch (const simdjson::simdjson_error& error) {
      refuse("not a row of ids and labels (", error.what(), ")");
    }
    validate(row);
    return row;
  }

 private:
  template <typename... Parts>
  [[noreturn]] void refuse(const Parts&... parts) const {
    fail(path_.string(), ":", line_number_, ": ", parts...);
  }

  // The document parser, not the on-demand one: it picks the processor's fast code at run time, and
  // refuses a second value on the line.
  void fill(std::string_view line, TokenizedRow& row) {
    buffer_.assign(line);
    buffer_.append(simdjson::SIMDJSON_PADDING, ' ');
    const simdjson::dom::object object =
        parser_.parse(buffer_.data(), line.size(), false).get_object();
    bool has_ids = false;
    bool has_labels = false;
    for (const auto& field : object) {
      const bool is_labels = field.key == "labels";
      bool& seen = is_labels ? has_labels : has_ids;
      if ((!is_labels && field.key != "input_ids") || seen)
        refuse("unexpected key \"", field.key, "\"");
      seen = true;
      read_array(field.value, is_labels ? row.labels : row.input_ids);
    }
    if (!has_ids || !has_labels) refuse("a row needs \"input_ids\" and \"labels\"");
  }

  void read_array(const simdjson::dom::element& value, std::vector<std::int32_t>& into) {
    const simdjson::dom::array array = value.get_array();
    into.reserve(array.size());
    for (const auto element : array) {
      const std::int64_t number = element.get_int64();
      if (number < kIgnoredLabel || number > INT32_MAX) refuse("id ", number, " is out of range");
      into.push_back(static_cast<std::int32_t>(number));
    }
  }

  void validate(const TokenizedRow& row) const {
    const auto size = row.input_ids.size();
    if (size == 0) refuse("\"input_ids\" is empty");
    if (size != row.labels.size()) refuse(size, " ids, but ", row.labels.size(), " labels");
    if (check_.max_length > 0 && static_cast<std::int64_t>(size) > check_.max_length) {
      refuse(size, " tokens, the model's context is ", check_.max_length);
    }
    for (std::size_t i = 0; i < size; ++i) {
      const auto id = row.input_ids[i];
      if (id < 0) refuse("id ", id, " at index ", i, " is negative");
      if (check_.vocab_size > 0 && id >= check_.vocab_size) {
        refuse("id ", id, " at index ", i, " is outside the vocabulary of ", check_.vocab_size);
      }
      if (row.labels[i] != kIgnoredLabel && row.labels[i] != id) {
        refuse("label ", row.labels[i], " at index ", i, " is neither -100 nor the id ", id);
      }
    }
    if (row.labels[0] != kIgnoredLabel) refuse("the label of the first token must be -100");
  }

  fs::path path_;
  TokenizedCheck check_;
  simdjson::dom::parser parser_;
  std::string buffer_;
  std::size_t line_number_ = 0;
};

void check_counts(const fs::path& path, const TokenizedHeader& said, const TokenizedHeader& found) {
  const auto compare = [&](const char* what, std::int64_t expected, std::int64_t got) {
    if (expected != got) {
      fail(path.string(), ": holds ", got, " ", what, ", its header says ", expected,
           ": cut short or changed");
    }
  };
  compare("rows", said.rows, found.rows);
  compare("tokens", said.tokens, found.tokens);
  compare("trained tokens", said.trained_tokens, found.trained_tokens);
  if (found.rows == 0) fail(path.string(), ": no examples");
  if (found.trained_tokens == 0) fail(path.string(), ": no trainable tokens");
}

void add_counts(TokenizedHeader& header, const TokenizedRow& row) {
  header.rows += 1;
  header.tokens += static_cast<std::int64_t>(row.input_ids.size());
  header.trained_tokens += count_trained(row);
}

}  // namespace

std::int64_t count_trained(const TokenizedRow& row) {
  std::int64_t count = 0;
  for (const auto label : row.labels) count += label != kIgnoredLabel;
  return count;
}

TokenizedWriter::TokenizedWriter(const fs::path& path, TokenizedHeader header)
    : file_(path), header_(std::move(header)) {
  // Room for the largest counts: the final header is padded with spaces to the same length.
  header_.rows = header_.tokens = header_.trained_tokens = kWidestCount;
  header_bytes_ = header_line(header_).size();
  header_.rows = header_.tokens = header_.trained_tokens = 0;
  file_.write(std::string(header_bytes_, ' ') + "\n");
}

void TokenizedWriter::write(const TokenizedRow& row) {
  if (row.input_ids.empty() || row.input_ids.size() != row.labels.size()) {
    throw std::logic_error("a tokenized row needs as many labels as ids");
  }
  std::string line = "{\"input_ids\":";
  append_array(line, row.input_ids);
  line += ",\"labels\":";
  append_array(line, row.labels);
  line += "}\n";
  file_.write(line);
  add_counts(header_, row);
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
  const MappedFile file(path);
  auto text = file.bytes();
  if (text.empty()) fail(path.string(), ": is empty, expected tokenized data");
  return parse_header(take_line(text), path.string() + ":1");
}

TokenizedData read_tokenized(const fs::path& path, const TokenizedCheck& check) {
  TokenizedData data{.header = read_tokenized_header(path), .rows = {}};
  if (!check.tokenizer.empty() && data.header.tokenizer != check.tokenizer) {
    fail(path.string(), ": made with tokenizer ", data.header.tokenizer, ", the model's is ",
         check.tokenizer, "; convert the data again with this model");
  }
  const MappedFile file(path);
  auto text = file.bytes();
  take_line(text);
  RowParser parser(path, check);
  TokenizedHeader found;
  for (std::size_t number = 2; !text.empty(); ++number) {
    data.rows.push_back(parser.parse(take_line(text), number));
    add_counts(found, data.rows.back());
  }
  check_counts(path, data.header, found);
  return data;
}

}  // namespace hone
