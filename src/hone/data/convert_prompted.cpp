// Prompts with answers to ids: one prompt, and what a model would write behind it.
#include <algorithm>
#include <utility>

#include <hone/base/error.h>
#include <hone/data/convert.h>
#include <hone/data/record.h>
#include <hone/data/turns.h>

namespace hone {
namespace {

std::vector<std::int32_t> narrow(const std::vector<std::int64_t>& ids) {
  return {ids.begin(), ids.end()};
}

/// The ids of a prompt and of the answer behind it, up to the last that is trained, out of those of
/// both together, `ids`, which must start with `prompt`: else both are empty. What lies between is
/// the header of a turn that the template does not write for generation; it goes with the prompt.
std::pair<std::vector<std::int32_t>, std::vector<std::int32_t>> split_at_answer(
    const ChatTemplate::Ids& ids, const std::vector<std::int32_t>& prompt) {
  const auto& [all, labels] = ids;
  if (all.size() < prompt.size() || !std::equal(prompt.begin(), prompt.end(), all.begin()))
    return {};
  const auto is_trained = [](std::int64_t label) { return label != kIgnoredLabel; };
  const auto size = static_cast<std::ptrdiff_t>(prompt.size());
  const auto first = std::find_if(labels.begin() + size, labels.end(), is_trained);
  const auto last = std::find_if(labels.rbegin(), labels.rend() - size, is_trained).base();
  const auto begin = first - labels.begin();
  const auto end = std::max(begin, last - labels.begin());
  return {{all.begin(), all.begin() + begin}, {all.begin() + begin, all.begin() + end}};
}

bool says_nothing(const Answer& answer) {
  return answer.message.is_null() ? is_blank(answer.text) : is_empty_reply(answer.message);
}

}  // namespace

std::optional<PromptedRow> Converter::convert_prompted(const Record& record) {
  ++summary_.read;
  if (!record.unusable.empty()) {
    drop(record, record.unusable);
    return std::nullopt;
  }
  if (std::ranges::any_of(record.answers, says_nothing)) {
    drop(record, "reply is empty");
    return std::nullopt;
  }
  PromptedRow row{.prompt = {}, .values = record.values, .reference = record.reference};
  if (record.messages.is_null()) {
    prompt_text(record, row);
  } else if (!prompt_chat(record, row)) {
    return std::nullopt;
  }
  if (!fit(record, row)) return std::nullopt;
  if (record.kind == RecordKind::kPreference && row.answers[0] == row.answers[1])
    note(record, "chosen and rejected are the same");
  count_written(count_tokens(row), count_answer_tokens(row), longest_sequence(row));
  return row;
}

void Converter::prompt_text(const Record& record, PromptedRow& row) {
  note_space_behind_prompt(record);
  row.prompt = narrow(encode_prompt(tokenizer_, record.prompt));
  for (const auto& answer : record.answers) {
    // A step is no end: what follows it goes on with the answer.
    row.answers.push_back(narrow(record.kind == RecordKind::kStepwise
                                     ? tokenizer_.encode(answer.text, {.continuation = true})
                                     : encode_reply(answer.text, /*continues=*/true)));
  }
}

/// False where the record is dropped.
bool Converter::prompt_chat(const Record& record, PromptedRow& row) {
  require_template(record);
  Json prompt = Json::array();
  bool merged = false;
  for (const auto& message : record.messages) merged |= append_turn(prompt, message);
  if (prompt.empty() || is_reply(prompt.back())) {
    drop(record, prompt.empty() ? "no prompt" : "the prompt ends with the assistant's turn");
    return false;
  }
  if (merged) note(record, "turns of the same role merged");
  ChatOptions options{.add_generation_prompt = true};
  if (!record.tools.is_null()) options.tools = &record.tools;
  row.prompt = narrow(render(record, prompt, options).input_ids);
  std::vector<std::int32_t> first_prompt;
  for (const auto& answer : record.answers) {
    prompt.push_back(answer.message);
    options.add_generation_prompt = false;
    auto [prompt_ids, answer_ids] = split_at_answer(render(record, prompt, options), row.prompt);
    prompt.erase(prompt.size() - 1);
    if (prompt_ids.empty() || (!row.answers.empty() && prompt_ids != first_prompt)) {
      fail(record.place,
           ": the chat template writes the prompt otherwise when an answer follows; answers cannot "
           "be compared with it");
    }
    if (answer_ids.empty()) {
      drop(record, "no token to train on");
      return false;
    }
    first_prompt = std::move(prompt_ids);
    row.answers.push_back(std::move(answer_ids));
  }
  if (!row.answers.empty()) row.prompt = std::move(first_prompt);
  return true;
}

/// Applies the limit of length; says whether the row is kept.
bool Converter::fit(const Record& record, PromptedRow& row) {
  const auto limit = static_cast<std::size_t>(options_.max_length);
  if (row.prompt.empty()) {
    drop(record, "no prompt");
    return false;
  }
  const auto length = static_cast<std::size_t>(longest_sequence(row));
  if (limit == 0 || length <= limit) return true;
  if (!may_cut(record, length)) return false;
  truncate(row, limit, options_.overflow);
  if (row.prompt.empty() || std::ranges::any_of(row.answers, &std::vector<std::int32_t>::empty)) {
    drop(record, concat("answer does not fit in ", limit, " tokens"));
    return false;
  }
  note(record, concat("cut at ", limit, " tokens"));
  return true;
}

}  // namespace hone
