// Tokenized JSONL (`hone-tokens`, version 1): ids and labels on disk, where a person can look at
// the loss mask.
//
// Line 1 is the header, every further line one row:
//
//   {"format":"hone-tokens","version":1,"tokenizer":"9f..","template":"03..","rows":2,"tokens":57,"trained_tokens":21,
//    "max_length":0,"source":"train.jsonl"}
//   {"input_ids":[1,9690,198],"labels":[-100,9690,198]}
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <hone/base/files.h>

namespace hone {

/// The label of a token on which no loss is taken.
inline constexpr std::int32_t kIgnoredLabel = -100;

/// What a tokenized file says of itself.
struct TokenizedHeader {
  std::string tokenizer{};          ///< `Tokenizer::hash` of the one that made it
  std::string chat_template{};      ///< `ChatTemplate::hash`, key `template`; empty: none was used
  std::int64_t rows = 0;            ///< lines behind the header
  std::int64_t tokens = 0;          ///< ids in all rows
  std::int64_t trained_tokens = 0;  ///< labels in all rows that are not -100
  std::int64_t max_length = 0;      ///< longest row allowed when it was made; 0: any
  std::string source{};             ///< the files it was made from, for people
  bool operator==(const TokenizedHeader&) const = default;
};

/// One example. `labels[i]` is `input_ids[i]` where the model learns to write that token, else
/// -100. The label of the first token is always -100: nothing comes before it to predict it from.
struct TokenizedRow {
  std::vector<std::int32_t> input_ids;
  std::vector<std::int32_t> labels;
  bool operator==(const TokenizedRow&) const = default;
};

/// Number of labels that are not -100.
std::int64_t count_trained(const TokenizedRow& row);

/// Writes rows one at a time; the file appears under its name only with `commit`.
class TokenizedWriter {
 public:
  /// The counts of `header` are ignored: they are taken from the rows.
  TokenizedWriter(const std::filesystem::path& path, TokenizedHeader header);

  /// Appends `row`. Throws `std::logic_error` where its labels do not fit its ids.
  void write(const TokenizedRow& row);

  /// Writes the counts into the header line and puts the file in place.
  void commit();

  /// The header with the counts so far.
  const TokenizedHeader& header() const { return header_; }

 private:
  AtomicFile file_;
  TokenizedHeader header_;
  std::size_t header_bytes_ = 0;
};

/// Writes all `rows` to `path`.
void write_tokenized(const std::filesystem::path& path,
                     TokenizedHeader header,
                     const std::vector<TokenizedRow>& rows);

/// A tokenized file in memory.
struct TokenizedData {
  TokenizedHeader header;
  std::vector<TokenizedRow> rows;
};

/// What a tokenized file must fit. A field left as it is checks nothing.
struct TokenizedCheck {
  std::string tokenizer{};      ///< hash of the model's tokenizer
  std::int64_t vocab_size = 0;  ///< ids must be below
  std::int64_t max_length = 0;  ///< no row may be longer: the model's context
};

/// Reads the header alone. Throws `Error` where `path` is no tokenized file of version 1.
TokenizedHeader read_tokenized_header(const std::filesystem::path& path);

/// Reads and checks a whole file. Throws `Error`, one line naming file and line, for: another
/// format or version, a file made with another tokenizer, ids out of range, labels that are neither
/// -100 nor their id, a row longer than allowed, counts that differ from the header's (a file cut
/// short), no rows, and no trained token in all of it.
TokenizedData read_tokenized(const std::filesystem::path& path, const TokenizedCheck& check = {});

}  // namespace hone
