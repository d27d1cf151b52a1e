#include <nlohmann/json.hpp>

#include <hone/base/error.h>
#include <hone/data/record_file.h>
#include <hone/evaluation/answers.h>

namespace hone {
namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const auto first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

std::string last_user_turn(const Json& messages) {
  std::string text;
  for (const auto& message : messages) {
    if (message.at("role") == "user") text = message.at("content").get<std::string>();
  }
  return text;
}

AnswerExample example_of(const Record& record,
                         const ChatTemplate& chat_template,
                         const Tokenizer& tokenizer) {
  if (!record.messages.is_array() || record.messages.empty() ||
      record.messages.back().at("role") != "assistant") {
    fail(record.place, ": needs a conversation whose last turn is the assistant's");
  }
  Json prompt = record.messages;
  const auto reference = prompt.back().at("content").get<std::string>();
  prompt.erase(prompt.size() - 1);
  ChatOptions options{.add_generation_prompt = true};
  if (!record.tools.is_null()) options.tools = &record.tools;
  return {.prompt_ids = chat_template.encode(prompt, tokenizer, options).input_ids,
          .request = last_user_turn(prompt),
          .reference = reference};
}

}  // namespace

std::vector<AnswerExample> read_answer_examples(const std::filesystem::path& path,
                                                const ChatTemplate& chat_template,
                                                const Tokenizer& tokenizer) {
  std::vector<AnswerExample> examples;
  for (const auto& record : read_records(path)) {
    examples.push_back(example_of(record, chat_template, tokenizer));
  }
  return examples;
}

bool is_exact_match(std::string_view answer, std::string_view reference) {
  return trimmed(answer) == trimmed(reference);
}

bool is_valid_json(std::string_view answer) {
  return Json::accept(trimmed(answer));
}

AnswerScores score_answers(const std::vector<AnswerExample>& examples,
                           const std::vector<Generation>& answers) {
  if (examples.size() != answers.size())
    throw std::invalid_argument("score_answers: one answer for each example");
  AnswerScores scores{.count = static_cast<std::int64_t>(examples.size())};
  for (std::size_t i = 0; i < examples.size(); ++i) {
    scores.exact_matches += is_exact_match(answers[i].text, examples[i].reference);
    scores.valid_json += is_valid_json(answers[i].text);
  }
  return scores;
}

}  // namespace hone
