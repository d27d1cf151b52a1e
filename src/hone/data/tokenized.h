// Tokenized JSONL (`hone-tokens`, version 1): ids and labels on disk, where a person can look at
// the loss mask.
//
// Line 1 is the header (see tokenized_header.h), every further line one row. Those for supervised
// fine-tuning are
//
//   {"input_ids":[1,9690,198],"labels":[-100,9690,198]}
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <hone/base/files.h>
#include <hone/data/tokenized_header.h>

namespace hone {

/// The label of a token on which no loss is taken.
inline constexpr std::int32_t kIgnoredLabel = -100;

/// One example. `labels[i]` is `input_ids[i]` where the model learns to write that token, else
/// -100. The label of the first token is always -100: nothing comes before it to predict it from.
struct TokenizedRow {
  std::vector<std::int32_t> input_ids;
  std::vector<std::int32_t> labels;
  bool operator==(const TokenizedRow&) const = default;
};

/// Number of labels that are not -100.
std::int64_t count_trained(const TokenizedRow& row);

/// Rows as text, with their counts, so that threads may make them and one writes them.
struct TokenizedLines {
  std::string text{};
  std::int64_t rows = 0;
  std::int64_t tokens = 0;
  std::int64_t trained_tokens = 0;
};

/// Appends the line of `row`. Throws `std::logic_error` where its labels do not fit its ids.
void append(TokenizedLines& lines, const TokenizedRow& row);

/// Writes rows as they come; the file appears under its name only with `commit`.
class TokenizedWriter {
 public:
  /// The counts of `header` are ignored: they are taken from the rows.
  TokenizedWriter(const std::filesystem::path& path, TokenizedHeader header);

  /// What the rows are, until `commit`.
  void set_kind(RecordKind kind) { header_.kind = kind; }

  /// Appends rows.
  void write(const TokenizedLines& lines);
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

/// Reads the header alone. Throws `Error` where `path` is no tokenized file of version 1.
TokenizedHeader read_tokenized_header(const std::filesystem::path& path);

/// Calls `each` with every row of a file, which it reads as a stream: in little memory, whatever
/// the size. Returns the header. Throws `Error` as `read_tokenized` does, for what the counts say
/// at the end.
TokenizedHeader for_each_tokenized(const std::filesystem::path& path,
                                   const TokenizedCheck& check,
                                   const std::function<void(TokenizedRow)>& each);

/// Reads and checks a whole file. Throws `Error`, one line naming file and line, for: another
/// format or version, a file made with another tokenizer, ids out of range, labels that are neither
/// -100 nor their id, a row longer than allowed, counts that differ from the header's (a file cut
/// short), no rows, no trained token in all of it, and rows of another kind than `sft`.
TokenizedData read_tokenized(const std::filesystem::path& path, const TokenizedCheck& check = {});

}  // namespace hone
