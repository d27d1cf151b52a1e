// Template files of PromptSource, read as they are.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <hone/data/task.h>

namespace hone {

/// Reads a file of PromptSource: `dataset`, `subset` where there is one, and `templates`, each a
/// `!Template` with `name`, `jinja` and `answer_choices`.
///
/// As PromptSource does: a template's Jinja is rendered with the record's fields and
/// `answer_choices`, the list that its own Jinja text gives when split at `|||`; the result is
/// split at `|||` into prompt and completion, each without white space at its ends. A `|||` in a
/// text of the record does not split. A template that gives nothing behind `|||` (some skip records
/// by an `if`) makes no instruction of the record. The filter `choice` draws by the seed, not by
/// Python's generator. Truncation, which PromptSource does for display, is not done.
///
/// The task's name is `dataset` or `dataset/subset`. Throws `Error` naming file and line for
/// malformed YAML, missing keys, other tags, and Jinja that does not compile.
std::shared_ptr<const Task> read_promptsource(const std::filesystem::path& path,
                                              const std::vector<std::string>& use = {});

}  // namespace hone
