// One training example as a data file gives it, in the one form that the rest of hone works on.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <hone/base/json_io.h>
#include <hone/data/record_kind.h>

namespace hone {

/// How the rows of a data file are laid out.
///
/// Every row is looked at for itself, so a file may mix layouts of one kind; naming one refuses
/// rows of any other. A prompt is a text or an array of messages, and so are answers.
enum class RecordFormat {
  kAuto,              ///< told by the keys of each row
  kMessages,          ///< `messages`: array of `role`, `content`
  kPromptCompletion,  ///< `prompt` with `completion` or `response`
  kAlpaca,      ///< `instruction`, `output` (or `response`), and where present `input`, `system`,
                ///< `history`
  kShareGpt,    ///< `conversations`: array of `from`, `value` (or `role`, `content`), and `system`
  kText,        ///< `text`: a document
  kHhRlhf,      ///< `chosen`, `rejected`: whole dialogues, turns after `\n\nHuman:` and
                ///< `\n\nAssistant:`
  kPreference,  ///< `chosen`, `rejected` with `prompt`, `conversations` or `instruction`, or whole
                ///< and with the same start; where present `margin`
  kUnpaired,  ///< one of the layouts of `messages`, `conversations` or `prompt` with `completion`,
              ///< and `label` or `kto_tag`: whether the last answer is wanted
  kRanked,    ///< `prompt`, `completions`, best first or with `ranks` (1 is best) or `scores`
  kStepwise,  ///< `prompt`, `completions` (steps), `labels`: whether each step is right
  kPrompt,    ///< `prompt` (or `turns`, of which the first counts), and where present one of
              ///< `answer`, `solution`, `ground_truth`, `reference`: what a right answer says
};

/// The format called `name` on the command line: auto, messages, prompt-completion, alpaca,
/// sharegpt, text, hh-rlhf, preference, unpaired, ranked, stepwise, prompt. Throws `Error`.
RecordFormat record_format(const std::string& name);

/// The names that `record_format` knows, for people.
std::string record_format_names();

/// An answer to a record's prompt.
struct Answer {
  Json message;      ///< the assistant's; null where the prompt is a plain text
  std::string text;  ///< its continuation then
};

/// One example.
///
/// A message is an object with `role` (system, developer, user, assistant or tool), `content`
/// (text; parts of type text are joined) and whatever else its row gave it (`tool_calls`, `name`).
/// Role names of other formats are mapped: human to user; gpt, bot, chatgpt and model to assistant;
/// observation and function_response to tool; function_call to an assistant's tool call.
struct Record {
  std::string place;  ///< `train.jsonl:3` or `train.json: record 3`, for messages
  RecordKind kind = RecordKind::kSft;

  Json messages;  ///< array; null where the example is a plain text
  std::size_t prompt_messages =
      0;       ///< so many first messages are only context: no assistant turn in them is trained
  Json tools;  ///< array of tools offered to the model; null: none
  std::string prompt;        ///< plain text, where `messages` is null
  std::string completion;    ///< its continuation (kSft)
  bool is_document = false;  ///< `completion` is a document: all of it is trained (kSft)

  // For the kinds of prompts with answers; `messages` or `prompt` is the prompt then.
  std::vector<Answer> answers{};  ///< as `PromptedRow::answers`
  std::vector<double> values{};   ///< as `PromptedRow::values`
  std::string reference{};        ///< as `PromptedRow::reference`
  std::string unusable{};         ///< why nothing can be learnt from it; empty: it is fine
};

/// Names by which a file calls the keys of its messages and their roles, where they are others than
/// `role`, `content` or `from`, `value` with the usual roles.
struct MessageTags {
  std::string role_key{};                      ///< empty: as usual
  std::string content_key{};                   ///< empty: as usual
  std::map<std::string, std::string> roles{};  ///< a file's role to user, assistant, ...
};

/// Reads one row. Throws `Error` starting with `place` where it has none of the layouts or several,
/// where a text is not a string, a role is unknown, or a message has a part that is not text.
Record parse_record(const Json& row,
                    const std::string& place,
                    RecordFormat format = RecordFormat::kAuto,
                    const MessageTags& tags = {});

/// Which key of a row stands for which key of a layout: `{"prompt", "question"}` takes the prompt
/// from `question`. A name with dots leads into the row: `choices.0.turns` is the key `turns` of
/// the first of `choices`.
using ColumnNames = std::map<std::string, std::string>;

/// `prompt=question` as a pair of `ColumnNames`. Throws `Error` where it is none.
ColumnNames::value_type column_name(const std::string& text);

/// `row` with the keys that a layout has. All are taken before any is put, so that two may change
/// places. Throws `Error` starting with `place` where the row lacks a key that `columns` names.
Json with_column_names(Json row, const ColumnNames& columns, const std::string& place);

/// What `columns` names of `row`, under the keys that a layout has, and nothing else.
Json columns_alone(const Json& row, const ColumnNames& columns);

}  // namespace hone
