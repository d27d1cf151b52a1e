#include <limits>

#include <nlohmann/json.hpp>

#include <hone/base/error.h>
#include <hone/base/json_io.h>
#include <hone/data/tokenized_header.h>

namespace hone {
namespace {

constexpr const char* kFormat = "hone-tokens";
constexpr std::int64_t kVersion = 1;

std::string header_text(const Json& header, const char* key, const std::string& place) {
  if (!header.contains(key) || !header[key].is_string()) {
    fail(place, ": header: \"", key, "\" must be a string");
  }
  return header[key].get<std::string>();
}

std::int64_t header_count(const Json& header, const char* key, const std::string& place) {
  if (!header.contains(key) || !header[key].is_number_integer() || header[key] < 0 ||
      header[key] > std::numeric_limits<std::int64_t>::max()) {
    fail(place, ": header: \"", key, "\" must be a count");
  }
  return header[key].get<std::int64_t>();
}

}  // namespace

std::string header_line(const TokenizedHeader& header) {
  Json line = Json::object();
  line["format"] = kFormat;
  line["version"] = kVersion;
  line["kind"] = kind_name(header.kind);
  line["tokenizer"] = header.tokenizer;
  line["template"] = header.chat_template;
  line["rows"] = header.rows;
  line["tokens"] = header.tokens;
  line["trained_tokens"] = header.trained_tokens;
  line["max_length"] = header.max_length;
  line["source"] = header.source;
  return to_json_line(line);
}

TokenizedHeader parse_header_line(std::string_view line, const std::string& place) {
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
  // Files of before there were kinds hold rows for SFT.
  const auto kind = header.contains("kind") ? record_kind(header_text(header, "kind", place), place)
                                            : RecordKind::kSft;
  return {.kind = kind,
          .tokenizer = header_text(header, "tokenizer", place),
          .chat_template = header_text(header, "template", place),
          .rows = header_count(header, "rows", place),
          .tokens = header_count(header, "tokens", place),
          .trained_tokens = header_count(header, "trained_tokens", place),
          .max_length = header_count(header, "max_length", place),
          .source = header_text(header, "source", place)};
}

void check_header(const std::filesystem::path& path,
                  const TokenizedHeader& header,
                  RecordKind kind,
                  const TokenizedCheck& check) {
  if (header.kind != kind) {
    fail(path.string(), ": holds rows of kind ", kind_name(header.kind), ", wanted is ",
         kind_name(kind));
  }
  if (!check.tokenizer.empty() && header.tokenizer != check.tokenizer) {
    fail(path.string(), ": made with tokenizer ", header.tokenizer, ", the model's is ",
         check.tokenizer, "; convert the data again with this model");
  }
}

void check_counts(const std::filesystem::path& path,
                  const TokenizedHeader& said,
                  const TokenizedHeader& found) {
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
  if (found.trained_tokens == 0 && said.kind != RecordKind::kPrompt)
    fail(path.string(), ": no trainable tokens");
}

}  // namespace hone
