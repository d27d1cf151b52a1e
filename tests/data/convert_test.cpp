// Conversion against ids of Hugging Face's tokenizers and the rules on what is trained and what is
// dropped.
#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <hone/base/error.h>
#include <hone/base/files.h>
#include <hone/base/json_io.h>
#include <hone/data/convert.h>
#include <hone/data/record_file.h>

#include "shared_data.h"
#include "text/tokenizer_support.h"

namespace hone {
namespace {

using testing::fixture_path;
using testing::shared_path;
using Numbers = std::vector<std::int32_t>;

const Json& fixture() {
  static const Json json = read_json(fixture_path("data/chatml_rows.json"));
  return json;
}

/// A small byte-level tokenizer with ChatML's tokens; `<|im_end|>` ends a text.
const Tokenizer& tokenizer() {
  static const Tokenizer loaded = testing::chatml_tokenizer();
  return loaded;
}

ChatTemplate chatml() {
  return ChatTemplate(fixture()["template"].get<std::string>(), tokenizer());
}

Record record(const std::string& row, const std::string& place = "rows.jsonl:1") {
  return parse_record(parse_json(row, place), place);
}

/// The trained tokens of the only row that `row` gives, as text.
std::string trained_text(const std::string& row, const ConvertOptions& options = {}) {
  Converter converter(tokenizer(), chatml(), options);
  const auto converted = converter.convert(record(row));
  if (!converted) return "dropped: " + converter.summary().dropped.entries().at(0).what;
  std::vector<std::int64_t> ids;
  for (const auto label : converted->labels) {
    if (label != kIgnoredLabel) ids.push_back(label);
  }
  return tokenizer().decode(ids, false);
}

TEST(Convert, ConversationsGiveThePeersIdsAndLabels) {
  Converter converter(tokenizer(), chatml(), {});
  for (const auto& expected : fixture()["rows"]) {
    Record example;
    example.messages = expected["messages"];
    const auto row = converter.convert(example);
    ASSERT_TRUE(row);
    EXPECT_EQ(row->input_ids, expected["input_ids"].get<Numbers>()) << expected["messages"];
    EXPECT_EQ(row->labels, expected["labels"].get<Numbers>()) << expected["messages"];
  }
  EXPECT_EQ(converter.summary().read, 14);
  EXPECT_EQ(converter.summary().written, 14);
}

constexpr const char* kTwoTurns =
    R"({"messages":[{"role":"user","content":"A?"},{"role":"assistant","content":"B"},)"
    R"({"role":"user","content":"C?"},{"role":"assistant","content":"D"}]})";

TEST(Convert, TrainsOnTheTurnsAskedFor) {
  EXPECT_EQ(trained_text(kTwoTurns), "B<|im_end|>D<|im_end|>");
  EXPECT_EQ(trained_text(kTwoTurns, {.train_on = TrainOn::kLast}), "D<|im_end|>");
  // The first token of a row follows nothing, so it is never a target.
  EXPECT_EQ(
      trained_text(kTwoTurns, {.train_on = TrainOn::kAll}),
      "user\nA?<|im_end|>\n<|im_start|>assistant\nB<|im_end|>\n<|im_start|>user\nC?<|im_end|>\n"
      "<|im_start|>assistant\nD<|im_end|>\n");
  EXPECT_EQ(
      trained_text(
          R"({"prompt":[{"role":"user","content":"A?"},{"role":"assistant","content":"B"},)"
          R"({"role":"user","content":"C?"}],"completion":[{"role":"assistant","content":"D"}]})"),
      "D<|im_end|>");
}

TEST(Convert, TextOfAMessageCannotEndItsTurn) {
  const auto row = Converter(tokenizer(), chatml(), {})
                       .convert(record(R"({"messages":[{"role":"user","content":"x<|im_end|>"},)"
                                       R"({"role":"assistant","content":"y"}]})"));
  ASSERT_TRUE(row);
  EXPECT_EQ(std::count(row->input_ids.begin(), row->input_ids.end(), 901), 2);
}

TEST(Convert, CompletionIsTrainedWithOneEndToken) {
  EXPECT_EQ(trained_text(R"({"prompt":"Name a metal:","completion":" Tin."})"), " Tin.<|im_end|>");
  EXPECT_EQ(trained_text(R"({"prompt":"Name a metal:","completion":" Tin.<|im_end|>"})"),
            " Tin.<|im_end|>");
  EXPECT_EQ(
      trained_text(R"({"prompt":"Name a metal:","completion":" Tin."})", {.append_eos = false}),
      " Tin.");
}

TEST(Convert, PromptIdsAreThoseOfGenerationWhateverFollows) {  // L06
  const auto ids_of = [](const char* completion) {
    return *Converter(tokenizer(), chatml(), {})
                .convert(
                    record(concat(R"({"prompt":"Price: ","completion":")", completion, "\"}")));
  };
  const auto prompt = encode_prompt(tokenizer(), "Price: ");
  for (const char* completion : {"$7", "7", " 7"}) {
    const auto row = ids_of(completion);
    ASSERT_GT(row.input_ids.size(), prompt.size());
    EXPECT_TRUE(std::equal(prompt.begin(), prompt.end(), row.input_ids.begin()));
    for (std::size_t i = 0; i < row.labels.size(); ++i) {
      EXPECT_EQ(row.labels[i], i < prompt.size() ? kIgnoredLabel : row.input_ids[i]);
    }
  }
}

TEST(Convert, NotesAPromptThatEndsInWhiteSpace) {  // L06
  Converter converter(tokenizer(), {}, {});
  converter.convert(record(R"({"prompt":"Price:","completion":" 7"})", "a:1"));
  converter.convert(record(R"({"prompt":"Price: ","completion":"7"})", "a:2"));
  ASSERT_EQ(converter.summary().noted.entries().size(), 1u);
  EXPECT_EQ(converter.summary().noted.entries()[0].count, 1);
  EXPECT_EQ(converter.summary().noted.entries()[0].first_place, "a:2");
}

TEST(Convert, AnswerThatDoesNotFitIsDroppedAndCounted) {  // L07
  const auto row = [](int words) {
    std::string prompt;
    for (int i = 0; i < words; ++i) prompt += "7";  // single digits are tokens of their own
    return concat(R"({"prompt":")", prompt, R"(","completion":"1"})");
  };
  for (const auto overflow : {Overflow::kDrop, Overflow::kKeepStart}) {
    Converter converter(tokenizer(), {}, {.max_length = 6, .overflow = overflow});
    EXPECT_TRUE(converter.convert(record(row(4), "a:1")));
    EXPECT_FALSE(converter.convert(record(row(30), "a:2")));
    EXPECT_FALSE(converter.convert(record(row(40), "a:3")));
    const auto& summary = converter.summary();
    ASSERT_EQ(summary.dropped.entries().size(), 1u);
    EXPECT_EQ(summary.dropped.entries()[0].what, overflow == Overflow::kDrop
                                                     ? "longer than 6 tokens"
                                                     : "answer does not fit in 6 tokens");
    EXPECT_EQ(summary.dropped.entries()[0].count, 2);
    EXPECT_EQ(summary.dropped.entries()[0].first_place, "a:2");
    EXPECT_EQ(summary.read, 3);
    EXPECT_EQ(summary.written, 1);
  }
}

TEST(Convert, KeepStartKeepsTheFirstTokensWithTheirTargets) {
  Converter converter(tokenizer(), {}, {.max_length = 4, .overflow = Overflow::kKeepStart});
  const auto row = converter.convert(record(R"({"prompt":"12","completion":"345"})"));
  ASSERT_TRUE(row);
  EXPECT_EQ(row->input_ids.size(), 4u);
  EXPECT_EQ(count_trained(*row), 2);
  EXPECT_EQ(converter.summary().noted.entries().at(0).what, "cut at 4 tokens");
}

TEST(Convert, TurnOrder) {  // D13
  Converter converter(tokenizer(), chatml(), {});
  const auto text = [&](const char* row) {
    const auto converted = converter.convert(record(row));
    std::vector<std::int64_t> ids(converted->input_ids.begin(), converted->input_ids.end());
    return tokenizer().decode(ids, false);
  };
  EXPECT_EQ(
      text(R"({"messages":[{"role":"user","content":"First"},{"role":"user","content":"Second"},)"
           R"({"role":"assistant","content":"Both."}]})"),
      "<|im_start|>user\nFirst\nSecond<|im_end|>\n<|im_start|>assistant\nBoth.<|im_end|>\n");
  EXPECT_EQ(
      text(R"({"messages":[{"role":"assistant","content":"Hi."},{"role":"user","content":"Yo"},)"
           R"({"role":"assistant","content":"So?"}]})"),
      "<|im_start|>assistant\nHi.<|im_end|>\n<|im_start|>user\nYo<|im_end|>\n"
      "<|im_start|>assistant\nSo?<|im_end|>\n");
  EXPECT_EQ(
      text(R"({"messages":[{"role":"user","content":"A?"},{"role":"assistant","content":"B."},)"
           R"({"role":"user","content":"Sure?"}]})"),
      "<|im_start|>user\nA?<|im_end|>\n<|im_start|>assistant\nB.<|im_end|>\n");
  ASSERT_EQ(converter.summary().noted.entries().size(), 2u);
  EXPECT_EQ(converter.summary().noted.entries()[0].what, "turns of the same role merged");
  EXPECT_EQ(converter.summary().noted.entries()[1].what, "turns behind the last reply removed");
  EXPECT_EQ(trained_text(R"({"messages":[{"role":"user","content":"A?"}]})"), "dropped: no reply");
}

TEST(Convert, EmptyRepliesAreDroppedAndCounted) {  // D14
  Converter converter(tokenizer(), chatml(), {});
  for (const char* reply : {"", "   "}) {
    EXPECT_FALSE(converter.convert(record(
        concat(R"({"messages":[{"role":"user","content":"A"},{"role":"assistant","content":")",
               reply, R"("}]})"))));
    EXPECT_FALSE(
        converter.convert(record(concat(R"({"prompt":"A","completion":")", reply, "\"}"))));
  }
  EXPECT_TRUE(converter.convert(record(kTwoTurns)));
  ASSERT_EQ(converter.summary().dropped.entries().size(), 1u);
  EXPECT_EQ(converter.summary().dropped.entries()[0].what, "reply is empty");
  EXPECT_EQ(converter.summary().dropped.entries()[0].count, 4);
}

TEST(Convert, ReportsReadWrittenAndDropped) {  // D20
  Converter converter(tokenizer(), {}, {});
  converter.convert(record(R"({"prompt":"12","completion":"34"})", "a.jsonl:1"));
  converter.convert(record(R"({"prompt":"12","completion":""})", "a.jsonl:2"));
  EXPECT_EQ(describe(converter.summary()),
            (std::vector<std::string>{"read 2, written 1, dropped 1",
                                      "dropped: 1 of 2: reply is empty, first a.jsonl:2",
                                      "trained on 3 of 5 tokens (60 %), longest row 5"}));
}

TEST(Convert, RefusesByPlaceWhatCannotBeConverted) {
  const auto refusal = [](const std::function<void()>& action) -> std::string {
    try {
      action();
    } catch (const Error& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_EQ(refusal([] { Converter(tokenizer(), {}, {}).convert(record(kTwoTurns)); }),
            "rows.jsonl:1: a conversation, but the model has no chat template; give one by "
            "--chat-template");
  const ChatTemplate strict("{{ raise_exception('Only one turn.') }}", tokenizer());
  const auto message =
      refusal([&] { Converter(tokenizer(), strict, {}).convert(record(kTwoTurns)); });
  EXPECT_TRUE(message.starts_with("rows.jsonl:1: ")) << message;
  EXPECT_NE(message.find("Only one turn."), std::string::npos) << message;
  EXPECT_EQ(
      refusal([] { convert({record(R"({"prompt":"1","completion":" "})")}, tokenizer(), {}); }),
      "no trainable tokens: all 1 examples dropped, first rows.jsonl:1: reply is empty");
  EXPECT_EQ(refusal([] { validate(ConvertOptions{.max_length = -1}); }),
            "max_length must be 0 (any) or more, got -1");
  EXPECT_EQ(refusal([] { train_on("users"); }),
            "train-on \"users\" is not one of assistant, last, all");
}

// A template that leaves the thinking out of all but the last reply.
constexpr const char* kForgetful =
    "{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' }}"
    "{{ m.content if loop.last or m.role == 'user' else m.content.split('</think>')[-1] }}"
    "{{ '<|im_end|>\\n' }}{% endfor %}";

TEST(Convert, ATemplateThatRewritesEarlierTurnsIsFollowedOrRefused) {  // L10
  const ChatTemplate forgetful(kForgetful, tokenizer());
  const auto thinking = record(
      R"({"messages":[{"role":"user","content":"A?"},{"role":"assistant","content":"<think>hm</think>7"},)"
      R"({"role":"user","content":"B?"},{"role":"assistant","content":"<think>oh</think>5"}]})");
  const auto row = Converter(tokenizer(), forgetful, {}).convert(thinking);
  std::vector<std::int64_t> ids;
  for (const auto label : row->labels) {
    if (label != kIgnoredLabel) ids.push_back(label);
  }
  EXPECT_EQ(tokenizer().decode(ids, false), "7<|im_end|><think>oh</think>5<|im_end|>");
  Record split = thinking;
  split.prompt_messages = 2;  // as a prompt alone, its reply keeps the thinking
  EXPECT_THROW(Converter(tokenizer(), forgetful, {}).convert(split), Error);
}

TEST(Convert, OneBosWhoeverWritesIt) {  // L05
  const auto folder = shared_path("data/tokenizers/mistral_7b_v0.2");
  if (!folder) return;  // the tokenizers here have no BOS of their own
  const auto mistral = load_tokenizer(*folder);
  const ChatTemplate own(mistral.chat_template(), mistral);
  const auto row =
      Converter(mistral, own, {})
          .convert(record(
              R"({"messages":[{"role":"user","content":"Name a prime."},{"role":"assistant","content":"2"}]})"));
  const Numbers start = {1, 733, 16289, 28793, 6620, 264, 8139, 28723, 733, 28748, 16289, 28793};
  ASSERT_GT(row->input_ids.size(), start.size());
  EXPECT_TRUE(std::equal(start.begin(), start.end(), row->input_ids.begin()));
  for (const char* prompt : {"Name a prime.", "<s>Name a prime."}) {
    const auto ids = encode_prompt(mistral, prompt);
    EXPECT_EQ(std::count(ids.begin(), ids.end(), 1), 1) << prompt;
    EXPECT_EQ(ids.front(), 1);
  }
}

TEST(Convert, SharedCases) {
  const auto cases = shared_path("cases/files");
  const auto tokenizers = shared_path("data/tokenizers");
  if (!cases || !tokenizers) return;  // the same rules are tested above with rows of our own
  const auto gpt2 = load_tokenizer(*tokenizers / "gpt2");
  EXPECT_EQ(encode_prompt(gpt2, "Price: "), (std::vector<std::int64_t>{18124, 25, 220}));
  Converter l07(gpt2, {}, {.max_length = 16, .append_eos = false});
  std::vector<std::size_t> lengths;
  for (const auto& example : read_records(*cases / "L07_long_prompt.jsonl")) {
    if (const auto row = l07.convert(example)) lengths.push_back(row->input_ids.size());
  }
  EXPECT_EQ(lengths, (std::vector<std::size_t>{10, 6}));
  EXPECT_TRUE(
      l07.summary().dropped.entries().at(0).first_place.ends_with("L07_long_prompt.jsonl:2"));

  const auto qwen = load_tokenizer(*tokenizers / "qwen2.5");
  const ChatTemplate plain(fixture()["template"].get<std::string>(), qwen);
  const auto expected = read_json(*cases / "L09_multi_turn.expected.json");
  const auto rows = convert(read_records(*cases / "L09_multi_turn.jsonl"), qwen, plain).rows;
  EXPECT_EQ(rows.at(0).input_ids, expected["input_ids"].get<Numbers>());
  EXPECT_EQ(rows.at(0).labels, expected["labels"].get<Numbers>());

  const auto l08 =
      convert(read_records(*cases / "L08_sharegpt_system.json"), qwen, plain).rows.at(0);
  const std::vector<std::int64_t> ids(l08.input_ids.begin(), l08.input_ids.end());
  EXPECT_TRUE(
      qwen.decode(ids, false).starts_with("<|im_start|>system\nAnswer in one word.<|im_end|>\n"));
}

}  // namespace
}  // namespace hone
