// Layouts of prompts with answers: preferences, unpaired answers, ranked lists, steps, and prompts
// alone.
#pragma once

#include <nlohmann/json.hpp>

#include <hone/base/json_io.h>
#include <hone/data/record.h>

namespace hone {

// Each fills a record whose place is set, and its kind. All throw `Error` starting with the place
// where a field is missing or of another type than `RecordFormat` says, and note in
// `Record::unusable` where a row is well formed but nothing can be learnt from it.

/// `kHhRlhf`. The prompt is all but the last turn, which must be the same for both.
void read_hh_pair(const Json& row, Record& record);

/// `kPreference`. Without a prompt of its own, what both answers start with is the prompt: whole
/// messages; or text up to white space, never into a word.
void read_preference(const Json& row, Record& record, const MessageTags& tags);

/// `kUnpaired`.
void read_unpaired(const Json& row, Record& record, const MessageTags& tags);

/// `kRanked`. Equal scores give equal ranks; a rank is one more than the number of better answers.
void read_ranked(const Json& row, Record& record, const MessageTags& tags);

/// `kStepwise`.
void read_stepwise(const Json& row, Record& record, const MessageTags& tags);

/// `kPrompt`. A reference that is no text is kept as JSON.
void read_prompt(const Json& row, Record& record, const MessageTags& tags);

}  // namespace hone
