// What looks wrong in tokenized rows, found by looking at the ids and labels alone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <hone/data/prompted_row.h>
#include <hone/text/tokenizer.h>

namespace hone {

/// Something that looks wrong in some rows.
struct RowFinding {
  std::string what;            ///< such as "two BOS tokens at the start"
  std::int64_t rows = 0;       ///< rows that have it
  std::int64_t first_row = 0;  ///< the first of them, from 1
};

/// Looks rows over, one after the other.
///
/// Of rows for SFT: two BOS tokens at the start; no loss at all; a turn of the assistant without
/// loss (its header, as the tokenizer's own chat template writes it, is not followed by a trained
/// token); a trained turn that does not end with a control token; training that starts inside of a
/// word; a trained padding or unknown token; a row as long as the limit, and so maybe cut. Of
/// prompts with answers: two BOS tokens; an answer without an end; an unknown token; chosen and
/// rejected alike; as long as the limit.
class RowFindings {
 public:
  /// `max_length`: of the file's header; 0: no limit.
  RowFindings(Tokenizer tokenizer, std::int64_t max_length);

  /// Looks at the next row.
  void look_at(const TokenizedRow& row);
  void look_at(const PromptedRow& row, RecordKind kind);

  /// What was found, in the order of the first rows.
  const std::vector<RowFinding>& findings() const { return findings_; }

 private:
  void found(bool holds, const char* what);
  void look_at_start(const std::vector<std::int32_t>& ids);
  void look_at_turns(const TokenizedRow& row);
  bool starts_inside_word(const TokenizedRow& row, std::size_t at) const;
  bool has_turn_without_loss(const TokenizedRow& row) const;
  bool is_control(std::int32_t id) const { return tokenizer_.is_special(id); }

  Tokenizer tokenizer_;
  std::int64_t max_length_;
  std::optional<std::int64_t> unknown_;
  std::vector<std::int64_t> header_;  // of the assistant's turn; empty: not known
  std::int64_t row_ = 0;
  std::vector<RowFinding> findings_;
};

}  // namespace hone
