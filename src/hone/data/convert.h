// From examples to ids and labels: which tokens a model reads, and which of them it learns to
// write.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <hone/base/json_io.h>
#include <hone/data/prompted_row.h>
#include <hone/data/tally.h>
#include <hone/data/tokenized.h>
#include <hone/data/truncate.h>
#include <hone/text/chat_template.h>
#include <hone/text/tokenizer.h>

namespace hone {

struct Record;

/// Which of an example's tokens are trained.
enum class TrainOn {
  kAssistant,  ///< every assistant turn, or the completion, each with its end token
  kLast,       ///< the last assistant turn alone, with its end token
  kAll,        ///< every token
};

struct ConvertOptions {
  std::int64_t max_length = 0;  ///< longest row in tokens; 0: any
  Overflow overflow = Overflow::kDrop;
  TrainOn train_on = TrainOn::kAssistant;
  /// Put the end token behind a plain completion that does not end with it, so that the model
  /// learns to stop.
  bool append_eos = true;
  bool operator==(const ConvertOptions&) const = default;
};

/// Throws `Error` for an option out of its range.
void validate(const ConvertOptions& options);

/// `assistant`, `last` or `all`. Throws `Error` for another name.
TrainOn train_on(const std::string& name);

/// What came of a conversion: `read` equals `written` plus `dropped.total()`.
struct ConvertSummary {
  std::int64_t read = 0;
  std::int64_t written = 0;
  Tally dropped;  ///< rows that are not in the output, by reason
  Tally noted;    ///< rows that are, changed or doubtful
  std::int64_t tokens = 0;
  std::int64_t trained_tokens = 0;
  std::int64_t longest = 0;  ///< tokens of the longest row written
};

/// Adds the counts of a later part of the input to those of the parts before it.
void add(ConvertSummary& summary, const ConvertSummary& later);

/// The summary in lines for a person, the first with read, written and dropped.
std::vector<std::string> describe(const ConvertSummary& summary);

/// The ids of a plain prompt, the same in training and in generation: control tokens written in it
/// are recognised, and the tokenizer's BOS stands in front exactly once, also where the text begins
/// with it.
std::vector<std::int64_t> encode_prompt(const Tokenizer& tokenizer, std::string_view prompt);

/// Converts examples one by one.
///
/// - A conversation goes through the chat template. Before that, turns of user or assistant that
/// follow one of the same
///   role are merged with a line break, and turns behind the last reply are removed; both are
///   noted. A first turn by the assistant stays, unless the template refuses it.
/// - A prompt and its completion are encoded apart, so the prompt's ids are those of generation; a
/// prompt that ends in
///   white space is noted, since its last token may be one the model rarely saw there. BOS as in
///   `encode_prompt`; the end token goes behind the completion where it is absent.
/// - A row is dropped where a reply is empty or blank, it is longer than allowed (see `Overflow`),
/// or none of its labels is trained.
///
/// Labels follow from where text came from, never from ids. The first label of a row is -100.
class Converter {
 public:
  /// `chat_template`: nothing where the data hold no conversations; a conversation then throws
  /// `Error`.
  Converter(Tokenizer tokenizer, std::optional<ChatTemplate> chat_template, ConvertOptions options);

  /// The row of `record`, of kind `sft`, or nothing where it is dropped. Throws `Error` starting
  /// with its place where it is of another kind or the template refuses it.
  std::optional<TokenizedRow> convert(const Record& record);

  /// The row of a `record` of any other kind. The prompt is encoded once, as for generation (with
  /// the header of the assistant's turn), and each answer up to the token that ends its turn, as
  /// what follows: throws `Error` starting with its place where the template writes the prompt
  /// otherwise when an answer follows.
  std::optional<PromptedRow> convert_prompted(const Record& record);

  /// Appends the row of a `record` of any kind to `lines`; false where it is dropped.
  bool convert(const Record& record, TokenizedLines& lines);

  const ConvertSummary& summary() const { return summary_; }

  /// One like this that has converted nothing yet.
  Converter with_empty_summary() const;

  /// Header of a file of these rows, without `source`.
  TokenizedHeader header() const;

 private:
  std::optional<TokenizedRow> encode_chat(const Record& record);
  std::optional<TokenizedRow> encode_text(const Record& record);
  void ignore_context(const Record& record,
                      const Json& messages,
                      const ChatOptions& options,
                      TokenizedRow& row) const;
  ChatTemplate::Ids render(const Record& record,
                           const Json& messages,
                           const ChatOptions& options) const;
  bool may_cut(const Record& record, std::size_t length);
  void count_written(std::int64_t tokens, std::int64_t trained, std::int64_t longest);
  void require_template(const Record& record) const;
  bool fit(const Record& record, TokenizedRow& row);
  bool fit(const Record& record, PromptedRow& row);
  bool prompt_chat(const Record& record, PromptedRow& row);
  void prompt_text(const Record& record, PromptedRow& row);
  std::vector<std::int64_t> encode_reply(std::string_view text, bool continues) const;
  void note_space_behind_prompt(const Record& record);
  void drop(const Record& record, const std::string& what);
  void note(const Record& record, const std::string& what);

  Tokenizer tokenizer_;
  std::optional<ChatTemplate> template_;
  ConvertOptions options_;
  ConvertSummary summary_;
};

/// Converts all `records`. Throws `Error` 'no trainable tokens' where no row is left.
struct Converted {
  std::vector<TokenizedRow> rows;
  ConvertSummary summary;
};
Converted convert(const std::vector<Record>& records,
                  const Tokenizer& tokenizer,
                  const std::optional<ChatTemplate>& chat_template,
                  const ConvertOptions& options = {});

}  // namespace hone
