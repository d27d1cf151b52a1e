// Tokenized prompts with answers: what reward models, preference optimisation and reinforcement
// learning train on. One file holds one kind, which its header names; its rows are
//
//   preference  {"prompt":[1,5],"chosen":[7,2],"rejected":[8,2],"margin":0.5}      margin: if given
//   unpaired    {"prompt":[1,5],"completion":[7,2],"label":true}
//   ranked      {"prompt":[1,5],"completions":[[7,2],[8,2]],"ranks":[1,2]}         1 is best
//   stepwise    {"prompt":[1,5],"completions":[[7,9],[8]],"labels":[true,false]}
//   prompt      {"prompt":[1,5],"answer":"42"}                                     answer: if given
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <hone/data/tokenized.h>

namespace hone {

/// A prompt and answers to it. The prompt's ids are those of generation, and the same for every
/// answer; an answer's ids are what a model would write behind them, its end token included.
struct PromptedRow {
  std::vector<std::int32_t> prompt;
  /// `preference`: chosen and rejected; `unpaired`: the completion; `ranked` and `stepwise`: the
  /// completions; `prompt`: none.
  std::vector<std::vector<std::int32_t>> answers{};
  /// `preference`: the margin, if there is one; `unpaired` and `stepwise`: for each answer 1
  /// (wanted, right) or 0; `ranked`: for each its rank, 1 for the best.
  std::vector<double> values{};
  std::string reference{};  ///< `prompt`: what a right answer says; empty: not known
  bool operator==(const PromptedRow&) const = default;
};

/// Ids of the prompt and all answers.
std::int64_t count_tokens(const PromptedRow& row);

/// Ids of all answers.
std::int64_t count_answer_tokens(const PromptedRow& row);

/// Ids of the prompt and the longest answer: what a model reads at once.
std::int64_t longest_sequence(const PromptedRow& row);

/// Appends the line of `row`, one of `kind`. Throws `std::logic_error` where it is none.
void append(TokenizedLines& lines, const PromptedRow& row, RecordKind kind);

/// A file of prompts with answers in memory.
struct PromptedData {
  TokenizedHeader header;
  std::vector<PromptedRow> rows;
};

/// Calls `each` with every row of a file of `kind`, read as a stream. Returns the header. Throws
/// `Error` as `read_prompted` does.
TokenizedHeader for_each_prompted(const std::filesystem::path& path,
                                  RecordKind kind,
                                  const TokenizedCheck& check,
                                  const std::function<void(PromptedRow)>& each);

/// Reads and checks a whole file of `kind`, any but `sft`. Throws `Error`, one line naming file and
/// line, for what `read_tokenized` refuses, for an answer or prompt without ids, and for a row that
/// lacks something of its kind.
PromptedData read_prompted(const std::filesystem::path& path,
                           RecordKind kind,
                           const TokenizedCheck& check = {});

}  // namespace hone
