#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <utility>

#include <hone/base/error.h>
#include <hone/data/hh_dialogue.h>
#include <hone/data/record_answers.h>
#include <hone/data/record_fields.h>
#include <hone/data/record_messages.h>

namespace hone {
namespace {

/// Takes the prompt of `row` into `record` by the one key it has for it; false where it has none.
bool read_prompt_of(const Json& row, Record& record, const MessageTags& tags) {
  const auto& place = record.place;
  if (row.contains("conversations")) {
    record.messages = system_message_of(row, place);
    for (auto& message : parse_messages(row, "conversations", place, tags))
      record.messages.push_back(std::move(message));
  } else if (row.contains("instruction")) {
    record.messages = instruction_messages(row, place);
  } else if (const auto* prompt = member(row, "prompt"); prompt != nullptr && prompt->is_array()) {
    record.messages = parse_messages(row, "prompt", place, tags);
  } else if (prompt != nullptr) {
    record.prompt = text_member(row, "prompt", place);
  } else {
    return false;
  }
  if (!record.messages.is_null()) record.prompt_messages = record.messages.size();
  return true;
}

void require_prompt(const Json& row, Record& record, const MessageTags& tags) {
  if (!read_prompt_of(row, record, tags)) fail(record.place, ": has no \"prompt\"");
}

/// `value`, called `name` in messages, as an answer to the record's prompt: a text, a message, or
/// an array of one.
Answer answer_of(const Json& value,
                 const std::string& name,
                 const Record& record,
                 const MessageTags& tags) {
  const bool is_chat = !record.messages.is_null();
  if (value.is_string() && !is_chat) return {.message = nullptr, .text = value.get<std::string>()};
  if (value.is_string())
    return {.message = text_message("assistant", value.get<std::string>()), .text = ""};
  if (!is_chat || !(value.is_object() || value.is_array())) {
    fail(record.place, ": \"", name, "\" must be ", is_chat ? "a message or a text" : "a text",
         " as the prompt is, got ", value.type_name());
  }
  if (value.is_array() && value.size() != 1)
    fail(record.place, ": \"", name, "\" must hold one message, has ", value.size());
  const auto& message = value.is_array() ? value[0] : value;
  Answer answer{.message = parse_message(message, concat(record.place, ": ", name), tags),
                .text = ""};
  if (answer.message["role"] != "assistant")
    fail(record.place, ": \"", name, "\" must be an assistant's message");
  return answer;
}

const Json& required(const Json& row, const char* key, const Record& record) {
  const auto* value = member(row, key);
  if (value == nullptr) fail(record.place, ": has no \"", key, "\"");
  return *value;
}

void read_margin(const Json& row, Record& record) {
  const auto* margin = member(row, "margin");
  if (margin == nullptr) return;
  if (!margin->is_number())
    fail(record.place, ": \"margin\" must be a number, got ", margin->type_name());
  record.values = {margin->get<double>()};
}

/// Sets the last messages of two dialogues apart as answers to what is before, if that is the same.
void split_dialogues(Json chosen, Json rejected, Record& record) {
  for (const auto* dialogue : {&chosen, &rejected}) {
    if (dialogue->back()["role"] != "assistant")
      record.unusable = "a dialogue does not end with the assistant's turn";
  }
  record.answers = {{.message = chosen.back(), .text = ""},
                    {.message = rejected.back(), .text = ""}};
  chosen.erase(chosen.size() - 1);
  rejected.erase(rejected.size() - 1);
  if (record.unusable.empty() && chosen != rejected)
    record.unusable = "chosen and rejected differ before the last turn";
  record.prompt_messages = chosen.size();
  record.messages = std::move(chosen);
}

/// Sets two texts apart behind the words that both start with. White space in between goes with the
/// answers, as a model would write it.
void split_texts(const std::string& chosen, const std::string& rejected, Record& record) {
  constexpr std::string_view kSpace = " \t\r\n";
  const auto differ = std::ranges::mismatch(chosen, rejected);
  auto common = static_cast<std::size_t>(differ.in1 - chosen.begin());
  // Both may go on with white space, or one may end here: then the common words are whole.
  const auto ends_word = [&](const std::string& text) {
    return common == text.size() || kSpace.find(text[common]) != std::string_view::npos;
  };
  if (!ends_word(chosen) || !ends_word(rejected)) {
    const auto space = std::string_view(chosen).substr(0, common).find_last_of(kSpace);
    common = space == std::string_view::npos ? 0 : space;
  }
  while (common > 0 && kSpace.find(chosen[common - 1]) != std::string_view::npos) --common;
  if (common == 0) record.unusable = "chosen and rejected have no common start";
  record.prompt = chosen.substr(0, common);
  record.answers = {{.message = nullptr, .text = chosen.substr(common)},
                    {.message = nullptr, .text = rejected.substr(common)}};
}

std::vector<double> numbers_of(const Json& row,
                               const char* key,
                               std::size_t count,
                               const Record& record) {
  const auto& array = array_member(row, key, record.place);
  std::vector<double> numbers;
  for (const auto& value : array) {
    if (!value.is_number())
      fail(record.place, ": \"", key, "\" must hold numbers, got ", value.type_name());
    numbers.push_back(value.get<double>());
  }
  if (numbers.size() != count)
    fail(record.place, ": ", count, " completions, but ", numbers.size(), " ", key);
  return numbers;
}

void read_completions(const Json& row, Record& record, const MessageTags& tags) {
  for (const auto& completion : array_member(row, "completions", record.place)) {
    const auto name = concat("completions[", record.answers.size(), "]");
    record.answers.push_back(answer_of(completion, name, record, tags));
  }
}

/// 1 for the best score.
std::vector<double> ranks_of(const std::vector<double>& scores) {
  std::vector<double> ranks;
  for (const auto score : scores) {
    const auto better = std::ranges::count_if(scores, [&](double other) { return other > score; });
    ranks.push_back(1.0 + static_cast<double>(better));
  }
  return ranks;
}

}  // namespace

void read_hh_pair(const Json& row, Record& record) {
  record.kind = RecordKind::kPreference;
  const auto dialogue = [&](const char* key) {
    return hh_messages(text_member(row, key, record.place), concat(record.place, ": ", key));
  };
  auto chosen = dialogue("chosen");
  split_dialogues(std::move(chosen), dialogue("rejected"), record);
}

void read_preference(const Json& row, Record& record, const MessageTags& tags) {
  record.kind = RecordKind::kPreference;
  const auto& chosen = required(row, "chosen", record);
  const auto& rejected = required(row, "rejected", record);
  read_margin(row, record);
  if (read_prompt_of(row, record, tags)) {
    record.answers = {answer_of(chosen, "chosen", record, tags),
                      answer_of(rejected, "rejected", record, tags)};
  } else if (chosen.is_string() && rejected.is_string()) {
    split_texts(chosen.get<std::string>(), rejected.get<std::string>(), record);
  } else {
    auto dialogue = parse_messages(row, "chosen", record.place, tags);
    split_dialogues(std::move(dialogue), parse_messages(row, "rejected", record.place, tags),
                    record);
  }
}

void read_unpaired(const Json& row, Record& record, const MessageTags& tags) {
  record.kind = RecordKind::kUnpaired;
  const char* label = row.contains("label") ? "label" : "kto_tag";
  record.values = {truth_of(required(row, label, record), label, record.place) ? 1.0 : 0.0};
  if (row.contains("completion")) {
    require_prompt(row, record, tags);
    record.answers = {answer_of(required(row, "completion", record), "completion", record, tags)};
    return;
  }
  if (row.contains("output")) {
    record.messages = instruction_messages(row, record.place);
    record.answers = {answer_of(required(row, "output", record), "output", record, tags)};
  } else {
    record.messages = system_message_of(row, record.place);
    const char* key = row.contains("messages") ? "messages" : "conversations";
    for (auto& message : parse_messages(row, key, record.place, tags))
      record.messages.push_back(std::move(message));
    if (record.messages.back()["role"] != "assistant")
      record.unusable = "the last turn is not the assistant's";
    record.answers = {{.message = record.messages.back(), .text = ""}};
    record.messages.erase(record.messages.size() - 1);
  }
  record.prompt_messages = record.messages.size();
}

void read_ranked(const Json& row, Record& record, const MessageTags& tags) {
  record.kind = RecordKind::kRanked;
  require_prompt(row, record, tags);
  read_completions(row, record, tags);
  const auto count = record.answers.size();
  if (row.contains("ranks")) {
    record.values = numbers_of(row, "ranks", count, record);
  } else if (row.contains("scores")) {
    record.values = ranks_of(numbers_of(row, "scores", count, record));
  } else {
    for (std::size_t i = 1; i <= count; ++i) record.values.push_back(static_cast<double>(i));
  }
  if (count < 2) record.unusable = "fewer than two completions to rank";
}

void read_stepwise(const Json& row, Record& record, const MessageTags& tags) {
  record.kind = RecordKind::kStepwise;
  require_prompt(row, record, tags);
  if (!record.messages.is_null())
    fail(record.place, ": a prompt of steps must be a text, got an array");
  read_completions(row, record, tags);
  const auto& labels = array_member(row, "labels", record.place);
  if (labels.size() != record.answers.size())
    fail(record.place, ": ", record.answers.size(), " completions, but ", labels.size(), " labels");
  for (const auto& label : labels)
    record.values.push_back(truth_of(label, "labels", record.place) ? 1.0 : 0.0);
}

void read_prompt(const Json& row, Record& record, const MessageTags& tags) {
  constexpr std::array kReferences = {"answer", "solution", "ground_truth", "reference"};
  record.kind = RecordKind::kPrompt;
  if (row.contains("turns")) {
    const auto& turns = array_member(row, "turns", record.place);
    if (!turns[0].is_string())
      fail(record.place, ": \"turns\" must hold texts, got ", turns[0].type_name());
    record.messages = Json::array({text_message("user", turns[0].get<std::string>())});
    record.prompt_messages = 1;
  } else {
    require_prompt(row, record, tags);
  }
  const char* found = nullptr;
  for (const char* key : kReferences) {
    const auto* value = member(row, key);
    if (value == nullptr) continue;
    if (found != nullptr)
      fail(record.place, ": has both \"", found, "\" and \"", key, "\"; name one by --columns");
    found = key;
    record.reference = value->is_string() ? value->get<std::string>() : to_json_line(*value);
  }
}

}  // namespace hone
