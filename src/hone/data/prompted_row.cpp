#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include <hone/base/error.h>
#include <hone/base/json_io.h>
#include <hone/data/prompted_row.h>
#include <hone/data/row_lines.h>

namespace hone {
namespace {

namespace fs = std::filesystem;
using simdjson::dom::element;

/// The keys of a kind's rows: each answer under its own, or all under one.
struct PromptedKeys {
  std::vector<std::string_view> answers{};
  bool is_list = false;
  std::string_view values{};  // empty: none
  bool are_truths = false;
};

PromptedKeys keys_of_kind(RecordKind kind) {
  switch (kind) {
    case RecordKind::kPreference:
      return {.answers = {"chosen", "rejected"}, .values = "margin"};
    case RecordKind::kUnpaired:
      return {.answers = {"completion"}, .values = "label", .are_truths = true};
    case RecordKind::kRanked:
      return {.answers = {"completions"}, .is_list = true, .values = "ranks"};
    case RecordKind::kStepwise:
      return {.answers = {"completions"}, .is_list = true, .values = "labels", .are_truths = true};
    case RecordKind::kPrompt:
      return {};
    case RecordKind::kSft:
      break;
  }
  throw std::logic_error("rows for SFT are no prompts with answers");
}

/// What is wrong with a row; empty: nothing.
std::string complaint_about(const PromptedRow& row, RecordKind kind) {
  const auto answers = row.answers.size();
  const auto values = row.values.size();
  if (row.prompt.empty()) return "the prompt is empty";
  for (const auto& answer : row.answers) {
    if (answer.empty()) return "an answer is empty";
  }
  for (const auto value : row.values) {
    if (!std::isfinite(value)) return "a number is not finite";
  }
  switch (kind) {
    case RecordKind::kPreference:
      if (answers != 2) return "needs \"chosen\" and \"rejected\"";
      return values <= 1 ? "" : "has several margins";
    case RecordKind::kUnpaired:
      return answers == 1 && values == 1 ? "" : "needs \"completion\" and \"label\"";
    case RecordKind::kRanked:
      if (answers < 2) return "needs at least two \"completions\"";
      return values == answers ? "" : "needs one of \"ranks\" for each of \"completions\"";
    case RecordKind::kStepwise:
      if (answers == 0) return "needs \"completions\"";
      return values == answers ? "" : "needs one of \"labels\" for each of \"completions\"";
    case RecordKind::kPrompt:
    case RecordKind::kSft:
      break;
  }
  return answers == 0 && values == 0 ? "" : "has answers";
}

double number_in(const element& value, bool is_truth) {
  if (is_truth) return value.get_bool() ? 1.0 : 0.0;
  return value.get_double();
}

/// Reads one field; false where the kind has none of its name.
bool read_field(const RowLineParser& parser,
                const PromptedKeys& keys,
                std::string_view key,
                const element& value,
                PromptedRow& row) {
  const auto place = std::ranges::find(keys.answers, key);
  if (key == "prompt") {
    row.prompt = parser.ids(value, 0);
  } else if (place != keys.answers.end() && keys.is_list) {
    for (const auto ids : value.get_array()) row.answers.push_back(parser.ids(ids, 0));
  } else if (place != keys.answers.end()) {
    const auto index = static_cast<std::size_t>(place - keys.answers.begin());
    row.answers.resize(std::max(row.answers.size(), index + 1));
    row.answers[index] = parser.ids(value, 0);
  } else if (key == keys.values && !key.empty()) {
    if (!keys.is_list) {
      row.values = {number_in(value, keys.are_truths)};
    } else {
      for (const auto number : value.get_array())
        row.values.push_back(number_in(number, keys.are_truths));
    }
  } else if (key == "answer" && keys.answers.empty()) {
    row.reference = std::string(std::string_view(value.get_string()));
  } else {
    return false;
  }
  return true;
}

PromptedRow parse_prompted(RowLineParser& parser,
                           std::string_view line,
                           std::size_t number,
                           RecordKind kind) {
  PromptedRow row;
  const auto keys = keys_of_kind(kind);
  parser.parse(line, number, kind_name(kind), [&](const simdjson::dom::object& object) {
    std::vector<std::string_view> seen;
    for (const auto& field : object) {
      const bool again = std::ranges::find(seen, field.key) != seen.end();
      if (again || !read_field(parser, keys, field.key, field.value, row))
        parser.refuse("unexpected key \"", field.key, "\"");
      seen.push_back(field.key);
    }
  });
  if (const auto complaint = complaint_about(row, kind); !complaint.empty())
    parser.refuse("a row of kind ", kind_name(kind), ": ", complaint);
  parser.check_length(static_cast<std::size_t>(longest_sequence(row)));
  parser.check_ids(row.prompt);
  for (const auto& answer : row.answers) parser.check_ids(answer);
  return row;
}

void append_value(std::string& text, double value, bool is_truth) {
  constexpr double kWhole = 1e15;  // below, a double without a fraction is written as an integer
  if (is_truth) {
    text += value != 0 ? "true" : "false";
  } else if (std::trunc(value) == value && std::abs(value) < kWhole) {
    text += std::to_string(static_cast<std::int64_t>(value));
  } else {
    text += to_json_line(Json(value));
  }
}

}  // namespace

std::int64_t count_answer_tokens(const PromptedRow& row) {
  std::int64_t count = 0;
  for (const auto& answer : row.answers) count += static_cast<std::int64_t>(answer.size());
  return count;
}

std::int64_t count_tokens(const PromptedRow& row) {
  return static_cast<std::int64_t>(row.prompt.size()) + count_answer_tokens(row);
}

std::int64_t longest_sequence(const PromptedRow& row) {
  std::size_t longest = 0;
  for (const auto& answer : row.answers) longest = std::max(longest, answer.size());
  return static_cast<std::int64_t>(row.prompt.size() + longest);
}

void append(TokenizedLines& lines, const PromptedRow& row, RecordKind kind) {
  const auto keys = keys_of_kind(kind);
  if (const auto complaint = complaint_about(row, kind); !complaint.empty())
    throw std::logic_error("a row of kind " + std::string(kind_name(kind)) + ": " + complaint);
  auto& text = lines.text;
  text += "{\"prompt\":";
  append_ids(text, row.prompt);
  for (std::size_t i = 0; i < row.answers.size(); ++i) {
    const bool opens = !keys.is_list || i == 0;
    if (opens) text += concat(",\"", keys.answers[keys.is_list ? 0 : i], "\":");
    if (keys.is_list) text += i == 0 ? "[" : ",";
    append_ids(text, row.answers[i]);
  }
  if (keys.is_list) text += ']';
  for (std::size_t i = 0; i < row.values.size(); ++i) {
    if (i == 0) text += concat(",\"", keys.values, "\":", keys.is_list ? "[" : "");
    if (i > 0) text += ',';
    append_value(text, row.values[i], keys.are_truths);
  }
  if (keys.is_list) text += ']';
  if (!row.reference.empty()) text += ",\"answer\":" + to_json_line(Json(row.reference));
  text += "}\n";
  count_row(lines, count_tokens(row), count_answer_tokens(row));
}

TokenizedHeader for_each_prompted(const fs::path& path,
                                  RecordKind kind,
                                  const TokenizedCheck& check,
                                  const std::function<void(PromptedRow)>& each) {
  RowLineParser parser(path, check);
  TokenizedHeader found;
  return for_each_row_line(path, kind, check, found,
                           [&](std::string_view line, std::size_t number) {
                             auto row = parse_prompted(parser, line, number, kind);
                             count_row(found, count_tokens(row), count_answer_tokens(row));
                             each(std::move(row));
                           });
}

PromptedData read_prompted(const fs::path& path, RecordKind kind, const TokenizedCheck& check) {
  PromptedData data;
  data.header = for_each_prompted(path, kind, check,
                                  [&](PromptedRow row) { data.rows.push_back(std::move(row)); });
  return data;
}

}  // namespace hone
