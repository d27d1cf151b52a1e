// The first line of a tokenized file (`hone-tokens`, version 1): what its rows are, which tokenizer
// made them, and how many there are.
//
//   {"format":"hone-tokens","version":1,"kind":"sft","tokenizer":"9f..","template":"03..","rows":2,
//    "tokens":57,"trained_tokens":21,"max_length":0,"source":"train.jsonl"}
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include <hone/data/record_kind.h>

namespace hone {

/// What a tokenized file says of itself.
struct TokenizedHeader {
  RecordKind kind = RecordKind::kSft;
  std::string tokenizer{};          ///< `Tokenizer::hash` of the one that made it
  std::string chat_template{};      ///< `ChatTemplate::hash`, key `template`; empty: none was used
  std::int64_t rows = 0;            ///< lines behind the header
  std::int64_t tokens = 0;          ///< ids in all rows
  std::int64_t trained_tokens = 0;  ///< labels in all rows that are not -100; ids of all answers
  std::int64_t max_length = 0;      ///< longest row allowed when it was made; 0: any
  std::string source{};             ///< the files it was made from, for people
  bool operator==(const TokenizedHeader&) const = default;
};

/// What a tokenized file must fit. A field left as it is checks nothing.
struct TokenizedCheck {
  std::string tokenizer{};      ///< hash of the model's tokenizer
  std::int64_t vocab_size = 0;  ///< ids must be below
  std::int64_t max_length = 0;  ///< no row may be longer: the model's context
};

/// Counts a row of `tokens` ids, `trained` of them trained, in a header or in lines.
template <typename Counts>
void count_row(Counts& counts, std::int64_t tokens, std::int64_t trained) {
  counts.rows += 1;
  counts.tokens += tokens;
  counts.trained_tokens += trained;
}

/// The header as one line of JSON, without a line end.
std::string header_line(const TokenizedHeader& header);

/// The header that `line` holds. Throws `Error` starting with `place` where it is none of
/// version 1.
TokenizedHeader parse_header_line(std::string_view line, const std::string& place);

/// Throws `Error` naming `path` where its rows are of another kind or made by another tokenizer.
void check_header(const std::filesystem::path& path,
                  const TokenizedHeader& header,
                  RecordKind kind,
                  const TokenizedCheck& check);

/// Throws `Error` naming `path` where the counts that its header gave are not those found in its
/// rows, there are no rows, or nothing in them can be trained on (prompts alone excepted).
void check_counts(const std::filesystem::path& path,
                  const TokenizedHeader& said,
                  const TokenizedHeader& found);

}  // namespace hone
