// One training example as a data file gives it, in the one form that the rest of hone works on.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <hone/base/json_io.h>

namespace hone {

/// How the rows of a data file are laid out.
///
/// Every row is looked at for itself, so a file may mix layouts; naming one refuses rows of any
/// other.
enum class RecordFormat {
  kAuto,              ///< told by the keys of each row
  kMessages,          ///< `messages`: array of `role`, `content`
  kPromptCompletion,  ///< `prompt` with `completion` or `response`: two texts, or two arrays of
                      ///< messages
  kAlpaca,            ///< `instruction`, `output`, and where present `input`, `system`, `history`
  kShareGpt,  ///< `conversations`: array of `from`, `value` (or `role`, `content`), and `system`
};

/// The format called `name` on the command line: auto, messages, prompt-completion, alpaca,
/// sharegpt. Throws `Error`.
RecordFormat record_format(const std::string& name);

/// One example: either a conversation, or a plain text and its continuation.
///
/// A message is an object with `role` (system, developer, user, assistant or tool), `content`
/// (text; parts of type text are joined) and whatever else its row gave it (`tool_calls`, `name`).
/// Role names of other formats are mapped: human to user; gpt, bot, chatgpt and model to assistant;
/// observation and function_response to tool.
struct Record {
  std::string place;  ///< `train.jsonl:3` or `train.json: record 3`, for messages
  Json messages;      ///< array; null where the example is a plain text
  std::size_t prompt_messages =
      0;       ///< so many first messages are only context: no assistant turn in them is trained
  Json tools;  ///< array of tools offered to the model; null: none
  std::string prompt;      ///< plain text, where `messages` is null
  std::string completion;  ///< its continuation
};

/// Reads one row. Throws `Error` starting with `place` where it has none of the layouts or several,
/// where a text is not a string, a role is unknown, or a message has a part that is not text.
Record parse_record(const Json& row,
                    const std::string& place,
                    RecordFormat format = RecordFormat::kAuto);

/// Which key of a row stands for which key of a layout: `{"prompt", "question"}` takes the prompt
/// from `question`.
using ColumnNames = std::map<std::string, std::string>;

/// `prompt=question` as a pair of `ColumnNames`. Throws `Error` where it is none.
ColumnNames::value_type column_name(const std::string& text);

/// `row` with the keys that a layout has. All are taken before any is put, so that two may change
/// places. Throws `Error` starting with `place` where the row lacks a key that `columns` names.
Json with_column_names(const Json& row, const ColumnNames& columns, const std::string& place);

}  // namespace hone
