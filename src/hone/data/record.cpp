#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <utility>

#include <hone/base/error.h>
#include <hone/base/names.h>
#include <hone/data/hh_dialogue.h>
#include <hone/data/record.h>
#include <hone/data/record_answers.h>
#include <hone/data/record_fields.h>
#include <hone/data/record_messages.h>

namespace hone {
namespace {

constexpr std::array kFormats = {std::pair{"auto", RecordFormat::kAuto},
                                 std::pair{"messages", RecordFormat::kMessages},
                                 std::pair{"prompt-completion", RecordFormat::kPromptCompletion},
                                 std::pair{"alpaca", RecordFormat::kAlpaca},
                                 std::pair{"sharegpt", RecordFormat::kShareGpt},
                                 std::pair{"text", RecordFormat::kText},
                                 std::pair{"hh-rlhf", RecordFormat::kHhRlhf},
                                 std::pair{"preference", RecordFormat::kPreference},
                                 std::pair{"unpaired", RecordFormat::kUnpaired},
                                 std::pair{"ranked", RecordFormat::kRanked},
                                 std::pair{"stepwise", RecordFormat::kStepwise},
                                 std::pair{"prompt", RecordFormat::kPrompt}};

void read_prompt_completion(const Json& row, Record& record, const MessageTags& tags) {
  const char* key = row.contains("completion") ? "completion" : "response";
  const auto* prompt = member(row, "prompt");
  const auto* completion = member(row, key);
  const bool is_chat = prompt != nullptr && prompt->is_array();
  if (is_chat != (completion != nullptr && completion->is_array())) {
    fail(record.place, ": \"prompt\" and \"", key,
         "\" must both be texts or both be arrays of messages, got ", type_name(prompt), " and ",
         type_name(completion));
  }
  if (!is_chat) {
    record.prompt = text_member(row, "prompt", record.place);
    record.completion = text_member(row, key, record.place);
    return;
  }
  record.messages = parse_messages(row, "prompt", record.place, tags);
  record.prompt_messages = record.messages.size();
  for (auto& message : parse_messages(row, key, record.place, tags)) {
    record.messages.push_back(std::move(message));
  }
}

void read_alpaca(const Json& row, Record& record) {
  record.messages = instruction_messages(row, record.place);
  const char* key = row.contains("output") ? "output" : "response";
  record.messages.push_back(text_message("assistant", text_member(row, key, record.place)));
}

void read_share_gpt(const Json& row, Record& record, const MessageTags& tags) {
  record.messages = system_message_of(row, record.place);
  for (auto& message : parse_messages(row, "conversations", record.place, tags)) {
    record.messages.push_back(std::move(message));
  }
}

void read_text(const Json& row, Record& record) {
  record.completion = text_member(row, "text", record.place);
  record.is_document = true;
}

bool is_hh_pair(const Json& row) {
  return std::ranges::all_of(std::array{"chosen", "rejected"}, [&](const char* key) {
    return row[key].is_string() && is_hh_dialogue(row[key].get_ref<const std::string&>());
  });
}

/// Layouts that say what one answer is worth, or several, by a key that no other layout has.
RecordFormat detect_marked(const Json& row) {
  const auto has = [&](const char* key) { return row.contains(key); };
  if (has("chosen") && has("rejected")) {
    const bool has_prompt = has("prompt") || has("conversations") || has("instruction");
    return !has_prompt && is_hh_pair(row) ? RecordFormat::kHhRlhf : RecordFormat::kPreference;
  }
  if (has("completions") && has("prompt"))
    return has("labels") ? RecordFormat::kStepwise : RecordFormat::kRanked;
  const bool has_answer = has("messages") || has("conversations") ||
                          (has("prompt") && has("completion")) ||
                          (has("instruction") && has("output"));
  const bool is_judged = has("kto_tag") || (has("label") && row["label"].is_boolean());
  if (is_judged && has_answer) return RecordFormat::kUnpaired;
  return RecordFormat::kAuto;
}

/// The one layout whose keys the row has.
RecordFormat detect(const Json& row, const std::string& place) {
  auto found = detect_marked(row);
  if (found != RecordFormat::kAuto) return found;
  const auto has = [&](const char* key) { return row.contains(key); };
  const auto consider = [&](bool present, RecordFormat format) {
    if (!present) return;
    if (found != RecordFormat::kAuto)
      fail(place, ": fits several layouts, name one; its keys are ", keys_of(row));
    found = format;
  };
  consider(has("messages"), RecordFormat::kMessages);
  consider(has("conversations"), RecordFormat::kShareGpt);
  consider(has("prompt") && (has("completion") || has("response")),
           RecordFormat::kPromptCompletion);
  consider(has("instruction") && (has("output") || has("response")), RecordFormat::kAlpaca);
  if (found != RecordFormat::kAuto) return found;
  // Keys that other layouts may have besides say something only where they stand alone.
  consider(has("text"), RecordFormat::kText);
  if (has("prompt") && has("answer")) {
    fail(place,
         ": \"answer\" may be learnt (--columns completion=answer) or be what a right answer says "
         "(--format prompt); its keys are ",
         keys_of(row));
  }
  consider(has("prompt") || has("turns"), RecordFormat::kPrompt);
  if (found != RecordFormat::kAuto) return found;
  fail(place,
       ": expected messages, prompt with completion, instruction with output, conversations, text, "
       "chosen with rejected, or prompt; its keys are ",
       keys_of(row));
}

void read_layout(const Json& row, RecordFormat format, Record& record, const MessageTags& tags) {
  switch (format) {
    case RecordFormat::kAuto:
    case RecordFormat::kMessages:
      record.messages = parse_messages(row, "messages", record.place, tags);
      return;
    case RecordFormat::kPromptCompletion:
      return read_prompt_completion(row, record, tags);
    case RecordFormat::kAlpaca:
      return read_alpaca(row, record);
    case RecordFormat::kShareGpt:
      return read_share_gpt(row, record, tags);
    case RecordFormat::kText:
      return read_text(row, record);
    case RecordFormat::kHhRlhf:
      return read_hh_pair(row, record);
    case RecordFormat::kPreference:
      return read_preference(row, record, tags);
    case RecordFormat::kUnpaired:
      return read_unpaired(row, record, tags);
    case RecordFormat::kRanked:
      return read_ranked(row, record, tags);
    case RecordFormat::kStepwise:
      return read_stepwise(row, record, tags);
    case RecordFormat::kPrompt:
      return read_prompt(row, record, tags);
  }
}

/// Tools as an array; LLaMA-Factory's files have it as a text of JSON. Null where there are none.
Json read_tools(const Json& value, const std::string& place) {
  const bool is_text = value.is_string();
  if (is_text && value.get_ref<const std::string&>().empty()) return nullptr;
  auto tools = is_text ? parse_json(value.get<std::string>(), place + ": tools") : value;
  if (!tools.is_array()) fail(place, ": \"tools\" must be an array, got ", tools.type_name());
  return tools;
}

/// The value that `path` leads to: a key of `row`, or keys and positions with dots between them;
/// nullptr where there is none.
const Json* value_at(const Json& row, std::string_view path) {
  const auto whole = row.find(path);
  if (whole != row.end()) return &*whole;
  const Json* at = &row;
  while (at != nullptr && !path.empty()) {
    const auto step = path.substr(0, path.find('.'));
    path.remove_prefix(std::min(path.size(), step.size() + 1));
    if (at->is_array()) {
      std::size_t index = at->size();
      std::from_chars(step.data(), step.data() + step.size(), index);
      at = index < at->size() ? &(*at)[index] : nullptr;
    } else {
      at = at->is_object() && at->contains(step) ? &at->at(std::string(step)) : nullptr;
    }
  }
  return at;
}

}  // namespace

RecordFormat record_format(const std::string& name) {
  return choose("format", name, kFormats);
}

std::string record_format_names() {
  return joined(names_in(kFormats));
}

Record parse_record(const Json& row,
                    const std::string& place,
                    RecordFormat format,
                    const MessageTags& tags) {
  if (!row.is_object()) fail(place, ": an example must be an object, got ", row.type_name());
  if (format == RecordFormat::kAuto) format = detect(row, place);
  Record record;
  record.place = place;
  read_layout(row, format, record, tags);
  if (const auto* tools = member(row, "tools")) record.tools = read_tools(*tools, place);
  return record;
}

ColumnNames::value_type column_name(const std::string& text) {
  const auto equals = text.find('=');
  if (equals == 0 || equals == std::string::npos || equals + 1 == text.size())
    fail("a column is named as prompt=question, got \"", text, "\"");
  return {text.substr(0, equals), text.substr(equals + 1)};
}

Json with_column_names(Json row, const ColumnNames& columns, const std::string& place) {
  if (columns.empty() || !row.is_object()) return row;
  auto result = row;
  for (const auto& [key, column] : columns) {
    if (value_at(row, column) == nullptr)
      fail(place, ": has no \"", column, "\" for the ", key, "; its keys are ", keys_of(row));
    result.erase(column);
  }
  for (const auto& [key, column] : columns) result[key] = *value_at(row, column);
  return result;
}

Json columns_alone(const Json& row, const ColumnNames& columns) {
  if (!row.is_object()) return row;
  Json result = Json::object();
  for (const auto& [key, column] : columns) {
    if (const auto* value = value_at(row, column)) result[key] = *value;
  }
  return result;
}

}  // namespace hone
