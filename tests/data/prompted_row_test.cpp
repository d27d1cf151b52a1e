// Prompts with answers as tokens: on disk, and converted so that they agree with rows for SFT.
#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <hone/base/error.h>
#include <hone/base/files.h>
#include <hone/data/convert_files.h>
#include <hone/data/prompted_row.h>

#include "base/error_of.h"
#include "base/temporary_folder.h"
#include "shared_data.h"
#include "text/chat_pieces.h"
#include "text/tokenizer_support.h"

namespace hone {
namespace {

using testing::error_of;
using testing::shared_path;
using testing::TemporaryFolder;
using IdRow = std::vector<std::int32_t>;

struct PromptedSample {
  RecordKind kind;
  PromptedRow row;
  std::string line;
};

const std::vector<PromptedSample>& prompted_samples() {
  static const std::vector<PromptedSample> samples = {
      {RecordKind::kPreference,
       {{1, 5}, {{7, 2}, {8, 2}}, {0.5}},
       R"({"prompt":[1,5],"chosen":[7,2],"rejected":[8,2],"margin":0.5})"},
      {RecordKind::kPreference, {{1}, {{7}, {8}}}, R"({"prompt":[1],"chosen":[7],"rejected":[8]})"},
      {RecordKind::kUnpaired,
       {{1, 5}, {{7, 2}}, {1}},
       R"({"prompt":[1,5],"completion":[7,2],"label":true})"},
      {RecordKind::kRanked,
       {{1, 5}, {{7, 2}, {8, 2}}, {1, 2.5}},
       R"({"prompt":[1,5],"completions":[[7,2],[8,2]],"ranks":[1,2.5]})"},
      {RecordKind::kStepwise,
       {{1, 5}, {{7, 9}, {8}}, {1, 0}},
       R"({"prompt":[1,5],"completions":[[7,9],[8]],"labels":[true,false]})"},
      {RecordKind::kPrompt, {{1, 5}, {}, {}, "4\"2"}, R"({"prompt":[1,5],"answer":"4\"2"})"},
      {RecordKind::kPrompt, {{1, 5}}, R"({"prompt":[1,5]})"}};
  return samples;
}

/// A file of `lines` whose header counts are those of `rows`.
std::filesystem::path prompted_file(const TemporaryFolder& folder,
                                    RecordKind kind,
                                    const TokenizedLines& lines) {
  TokenizedWriter writer(folder / "p.jsonl", {.kind = kind, .tokenizer = "aa"});
  writer.write(lines);
  writer.commit();
  return folder / "p.jsonl";
}

TEST(PromptedRows, AreReadAsTheyWereWritten) {
  for (const auto& sample : prompted_samples()) {
    const TemporaryFolder folder;
    TokenizedLines lines;
    append(lines, sample.row, sample.kind);
    EXPECT_EQ(lines.text, sample.line + "\n");
    const auto path = prompted_file(folder, sample.kind, lines);
    const auto data = read_prompted(path, sample.kind, {.tokenizer = "aa", .vocab_size = 10});
    EXPECT_EQ(data.rows, std::vector{sample.row});
    EXPECT_EQ(data.header.kind, sample.kind);
    EXPECT_EQ(data.header.tokens, count_tokens(sample.row));
    EXPECT_NE(error_of([&] {
                read_tokenized(path);
              }).find(concat("holds rows of kind ", kind_name(sample.kind), ", wanted is sft")),
              std::string::npos);
    const auto text = read_file(path);
    for (std::size_t size = 0; size + 1 < text.size(); ++size) {
      const auto cut = folder.file("cut.jsonl", text.substr(0, size));
      EXPECT_NE(error_of([&] { read_prompted(cut, sample.kind); }), "") << size;
    }
  }
}

TEST(PromptedRows, BadRowsAreRefusedByLine) {
  const auto refusal = [](RecordKind kind, const std::string& line, TokenizedCheck check = {}) {
    const TemporaryFolder folder;
    const TokenizedLines lines{.text = line + "\n", .rows = 1, .tokens = 4, .trained_tokens = 2};
    const auto message =
        error_of([&] { read_prompted(prompted_file(folder, kind, lines), kind, check); });
    return message.substr(folder.path().string().size() + 1);
  };
  const auto preference = RecordKind::kPreference;
  const std::string start = "p.jsonl:2: a row of kind preference: ";
  EXPECT_EQ(refusal(preference, R"({"prompt":[1],"chosen":[2]})"),
            start + "needs \"chosen\" and \"rejected\"");
  EXPECT_EQ(refusal(preference, R"({"prompt":[1],"rejected":[2]})"), start + "an answer is empty");
  EXPECT_EQ(refusal(preference, R"({"prompt":[],"chosen":[2],"rejected":[3]})"),
            start + "the prompt is empty");
  EXPECT_EQ(refusal(preference, R"({"prompt":[1],"chosen":[2],"rejected":[3],"label":true})"),
            "p.jsonl:2: unexpected key \"label\"");
  EXPECT_EQ(refusal(preference, R"({"prompt":[1],"chosen":[2],"chosen":[2],"rejected":[3]})"),
            "p.jsonl:2: unexpected key \"chosen\"");
  EXPECT_EQ(refusal(preference, R"({"prompt":[1],"chosen":[-1],"rejected":[3]})"),
            "p.jsonl:2: id -1 is out of range");
  EXPECT_EQ(refusal(preference, R"({"prompt":[1],"chosen":[9],"rejected":[3]})", {.vocab_size = 9}),
            "p.jsonl:2: id 9 at index 0 is outside the vocabulary of 9");
  EXPECT_EQ(
      refusal(preference, R"({"prompt":[1],"chosen":[2,2],"rejected":[3]})", {.max_length = 2}),
      "p.jsonl:2: 3 tokens, the model's context is 2");
  EXPECT_NE(refusal(RecordKind::kUnpaired, R"({"prompt":[1],"completion":[2],"label":1})")
                .find("p.jsonl:2: not a row of unpaired"),
            std::string::npos);
  EXPECT_EQ(refusal(RecordKind::kRanked, R"({"prompt":[1],"completions":[[2],[3]],"ranks":[1]})"),
            "p.jsonl:2: a row of kind ranked: needs one of \"ranks\" for each of \"completions\"");
  EXPECT_EQ(refusal(preference, R"({"prompt":[1],"chosen":[2],"rejected":[3]})"),
            "p.jsonl: holds 3 tokens, its header says 4: cut short or changed");
}

TEST(PromptedRows, TruncationSharesTheRoom) {
  const auto cut = [](std::size_t limit, Overflow policy) {
    PromptedRow row{{1, 2, 3, 4, 5, 6}, {{7, 8, 9}, {7}}};
    truncate(row, limit, policy);
    return row;
  };
  EXPECT_EQ(cut(8, Overflow::kKeepStart), (PromptedRow{{1, 2, 3, 4, 5, 6}, {{7, 8}, {7}}}));
  EXPECT_EQ(cut(8, Overflow::kKeepEnd), (PromptedRow{{2, 3, 4, 5, 6}, {{7, 8, 9}, {7}}}));
  EXPECT_EQ(cut(8, Overflow::kProportional), (PromptedRow{{1, 2, 3, 4, 5}, {{7, 8, 9}, {7}}}));
  EXPECT_EQ(cut(9, Overflow::kKeepStart), (PromptedRow{{1, 2, 3, 4, 5, 6}, {{7, 8, 9}, {7}}}));
  EXPECT_TRUE(cut(2, Overflow::kKeepStart).answers[0].empty());
}

/// A byte-level tokenizer with ChatML's tokens; `<|im_end|>` ends a text.
const Tokenizer& chat_tokenizer() {
  static const Tokenizer loaded = testing::chatml_tokenizer();
  return loaded;
}

Converter chat_converter(const ConvertOptions& options = {}) {
  return {chat_tokenizer(), ChatTemplate(kChatMl, chat_tokenizer()), options};
}

Record record_on(const std::string& line) {
  return parse_record(parse_json(line, "row"), "row");
}

std::optional<PromptedRow> prompted(const std::string& line, const ConvertOptions& options = {}) {
  return chat_converter(options).convert_prompted(record_on(line));
}

/// The ids and labels of SFT on the same conversation or text, as a prompt and an answer.
PromptedRow as_sft(const std::string& line) {
  const auto row = *chat_converter().convert(record_on(line));
  PromptedRow split{.prompt = {}, .answers = {{}}};
  for (std::size_t i = 0; i < row.input_ids.size(); ++i) {
    if (row.labels[i] != kIgnoredLabel) split.answers[0].push_back(row.input_ids[i]);
    if (row.labels[i] == kIgnoredLabel && split.answers[0].empty())
      split.prompt.push_back(row.input_ids[i]);
  }
  return split;
}

TEST(ConvertPrompted, PromptAndAnswersAreThoseOfSft) {
  const std::string turn = R"({"role":"user","content":"Name a bird, )";
  for (const std::string end : {"please.", "p", "ünder ", "🦆"}) {
    const auto prompt = "[" + turn + end + "\"}]";
    const auto reply = [](const std::string& text) {
      return R"([{"role":"assistant","content":")" + text + "\"}]";
    };
    const auto row = prompted("{\"prompt\":" + prompt + ",\"chosen\":" + reply("A wren.") +
                              ",\"rejected\":" + reply("lease, no") + "}");
    const auto chosen =
        as_sft("{\"prompt\":" + prompt + ",\"completion\":" + reply("A wren.") + "}");
    const auto rejected =
        as_sft("{\"prompt\":" + prompt + ",\"completion\":" + reply("lease, no") + "}");
    ASSERT_TRUE(row);
    EXPECT_EQ(row->prompt, chosen.prompt);
    EXPECT_EQ(row->prompt, rejected.prompt);
    EXPECT_EQ(row->answers, (std::vector{chosen.answers[0], rejected.answers[0]}));
    EXPECT_EQ(row->answers[0].back(), *chat_tokenizer().eos_id());
  }
  const auto text = prompted(R"({"prompt":"One and","chosen":" two","rejected":"roid"})");
  EXPECT_EQ(text->prompt, as_sft(R"({"prompt":"One and","completion":" two"})").prompt);
  EXPECT_EQ(text->answers[0], as_sft(R"({"prompt":"One and","completion":" two"})").answers[0]);
  EXPECT_EQ(text->answers[1], as_sft(R"({"prompt":"One and","completion":"roid"})").answers[0]);
}

TEST(ConvertPrompted, PromptsAreThoseOfGeneration) {
  const auto row = prompted(R"({"prompt":[{"role":"user","content":"Hi"}]})");
  const auto messages = parse_json(R"([{"role":"user","content":"Hi"}])", "m");
  const auto ids = ChatTemplate(kChatMl, chat_tokenizer())
                       .encode(messages, chat_tokenizer(), {.add_generation_prompt = true})
                       .input_ids;
  EXPECT_EQ(row->prompt, IdRow(ids.begin(), ids.end()));
  EXPECT_TRUE(row->answers.empty());
}

TEST(ConvertPrompted, ATemplateWithoutAGenerationHeaderGivesItToThePrompt) {
  std::string source = kChatMl;
  source.resize(source.find("{%- if add_generation_prompt"));
  Converter converter(chat_tokenizer(), ChatTemplate(source, chat_tokenizer()), {});
  const auto record = record_on(R"({"chosen":"\n\nHuman: A\n\nAssistant: B",)"
                                R"("rejected":"\n\nHuman: A\n\nAssistant: C"})");
  EXPECT_EQ(converter.convert_prompted(record), chat_converter().convert_prompted(record));
}

TEST(ConvertPrompted, StepsAreNoEnds) {
  const auto row =
      prompted(R"({"prompt":"1+1+1?","completions":[" 2"," 3"],"labels":[true,true]})");
  for (const auto& step : row->answers)
    EXPECT_EQ(std::count(step.begin(), step.end(), *chat_tokenizer().eos_id()), 0);
}

TEST(ConvertPrompted, RowsOfNoUseAreCounted) {
  const auto outcome = [](const std::string& line, const ConvertOptions& options = {}) {
    auto converter = chat_converter(options);
    TokenizedLines lines;
    const bool kept = converter.convert(record_on(line), lines);
    const auto& summary = converter.summary();
    EXPECT_EQ(summary.read, 1);
    EXPECT_EQ(summary.written, kept ? 1 : 0);
    if (!kept) return "dropped: " + summary.dropped.entries().at(0).what;
    return summary.noted.empty() ? std::string("kept") : "note: " + summary.noted.entries()[0].what;
  };
  EXPECT_EQ(outcome(R"({"prompt":"A","chosen":" Oak.","rejected":" Oak."})"),
            "note: chosen and rejected are the same");  // R03
  EXPECT_EQ(outcome(R"({"prompt":"A","chosen":" Oak.","rejected":" "})"),
            "dropped: reply is empty");
  EXPECT_EQ(
      outcome(
          R"({"chosen":"\n\nHuman: A\n\nAssistant: B","rejected":"\n\nHuman: A\n\nAssistant:"})"),
      "dropped: reply is empty");  // D17
  EXPECT_EQ(outcome(R"({"messages":[{"role":"assistant","content":"A"}],"label":true})"),
            "dropped: no prompt");
  const std::string pair = R"({"prompt":"One two three","chosen":" four five","rejected":" six"})";
  EXPECT_EQ(outcome(pair, {.max_length = 8}), "dropped: longer than 8 tokens");
  EXPECT_EQ(outcome(pair, {.max_length = 12, .overflow = Overflow::kKeepEnd}),
            "note: cut at 12 tokens");
  EXPECT_EQ(outcome(pair, {.max_length = 4, .overflow = Overflow::kKeepEnd}),
            "dropped: answer does not fit in 4 tokens");
}

TEST(ConvertPrompted, OneFileHoldsOneKind) {
  const TemporaryFolder folder;
  const auto converter = chat_converter();
  const auto convert_text = [&](const std::string& text) {
    TokenizedWriter writer(folder / "out.jsonl", converter.header());
    convert_files({folder.file("in.jsonl", text)}, {}, converter, writer, 2);
    writer.commit();
  };
  const std::string pair = R"({"prompt":"A","chosen":" B","rejected":" C"})";
  convert_text(pair + "\n" + pair + "\n");
  EXPECT_EQ(read_prompted(folder / "out.jsonl", RecordKind::kPreference).rows.size(), 2u);
  EXPECT_NE(error_of([&] {
              convert_text(pair + "\n" + R"({"prompt":"A","completion":" B"})" + "\n");
            }).find("in.jsonl:2: an example of kind sft, but that at "),
            std::string::npos);
}

TEST(ConvertPrompted, SharedCases) {  // D17, D18
  const auto cases = shared_path("cases/files");
  if (!cases) GTEST_SKIP() << "the shared cases are not here";
  const auto pairs = read_records(*cases / "D17_hh.jsonl");
  ASSERT_EQ(pairs.size(), 3u);
  EXPECT_EQ(pairs[0].answers[0].message["content"], "Rome is in Italy.");
  EXPECT_EQ(pairs[0].answers[1].message["content"], "Rome was in Gaul.");
  EXPECT_EQ(pairs[1].messages.size(), 3u);
  EXPECT_EQ(pairs[2].messages.size(), 1u);
  EXPECT_EQ(pairs[2].answers[0].message["content"], "The label \"Human:\" starts a turn.");
  auto converter = chat_converter();
  std::size_t kept = 0;
  for (const auto& pair : pairs) kept += converter.convert_prompted(pair).has_value();
  EXPECT_EQ(kept, 2u);
  EXPECT_EQ(converter.summary().dropped.entries().at(0).what, "reply is empty");
  const auto alpaca = read_records(*cases / "D18_alpaca.json");
  EXPECT_EQ(alpaca.at(0).messages[0]["content"], "List a fruit.") << "an empty input";
  EXPECT_EQ(alpaca.at(1).messages[0]["content"], "Translate to French.\nwater");
  EXPECT_EQ(alpaca.at(2).messages[0]["content"], "List a nut.") << "no input";
}

// An independent count of the pairs: those whose dialogues have the same turns but the last
// (tests/fixtures/data/count_hh_pairs.py).
TEST(ConvertPrompted, RealPreferences) {
  const auto data = shared_path("data/preferences");
  if (!data) GTEST_SKIP() << "the shared data are not here";
  const TemporaryFolder folder;
  const auto converter = chat_converter();
  const auto convert_file = [&](const char* name) {
    TokenizedWriter writer(folder / "out.jsonl", converter.header());
    const auto summary = convert_files({*data / name}, {}, converter, writer, 2);
    writer.commit();
    return summary;
  };
  EXPECT_EQ(convert_file("dpo_en_demo.json").written, 300);
  EXPECT_EQ(read_prompted(folder / "out.jsonl", RecordKind::kPreference).rows.size(), 300u);
  EXPECT_EQ(convert_file("kto_en_demo.json").written, 300);
  const auto hh = convert_file("hh_rlhf_harmless_base_test.jsonl.gz");
  EXPECT_EQ(hh.read, 2312);
  EXPECT_EQ(hh.written, 2303);
}

}  // namespace
}  // namespace hone
