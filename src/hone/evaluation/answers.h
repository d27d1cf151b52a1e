// Answers of a model against the answers that were wanted.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <hone/base/json_io.h>
#include <hone/causal_lm.h>
#include <hone/generation/generate.h>
#include <hone/text/chat_template.h>

namespace hone {

/// A conversation up to the turn that a model must write, and what that turn should be.
struct AnswerExample {
  std::vector<std::int64_t> prompt_ids = {};  ///< with the header of the assistant's turn
  std::string request = {};                   ///< the last user turn, for people
  std::string reference = {};                 ///< the wanted answer
};

/// Reads conversations whose last turn is the assistant's. Throws `Error` naming file and line
/// where it is not.
std::vector<AnswerExample> read_answer_examples(const std::filesystem::path& path,
                                                const ChatTemplate& chat_template,
                                                const Tokenizer& tokenizer);

/// Whether two answers are the same text but for white space around them.
bool is_exact_match(std::string_view answer, std::string_view reference);

/// Whether an answer is one JSON value.
bool is_valid_json(std::string_view answer);

/// How a set of answers did.
struct AnswerScores {
  std::int64_t count = 0;
  std::int64_t exact_matches = 0;
  std::int64_t valid_json = 0;
  double exact_match_rate() const { return share(exact_matches); }
  double valid_json_rate() const { return share(valid_json); }

 private:
  double share(std::int64_t part) const {
    return count == 0 ? 0 : static_cast<double>(part) / static_cast<double>(count);
  }
};

/// Scores `answers[i]` against `examples[i]`.
AnswerScores score_answers(const std::vector<AnswerExample>& examples,
                           const std::vector<Generation>& answers);

}  // namespace hone
