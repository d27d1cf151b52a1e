// Layouts of documents and of prompts with answers, as records.
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <hone/base/error.h>
#include <hone/base/json_io.h>
#include <hone/data/dataset_info.h>
#include <hone/data/record_file.h>

#include "base/error_of.h"
#include "base/temporary_folder.h"
#include "shared_data.h"

namespace hone {
namespace {

using testing::error_of;
using testing::shared_path;
using testing::TemporaryFolder;

Record record_from(const std::string& row, RecordFormat format = RecordFormat::kAuto) {
  return parse_record(parse_json(row, "row"), "row", format);
}

std::string refusal_of(const std::string& row, RecordFormat format = RecordFormat::kAuto) {
  return error_of([&] { record_from(row, format); });
}

/// The prompt and the answers, `|` between them; values behind `#`.
std::string outline(const Record& record) {
  if (!record.unusable.empty()) return "unusable: " + record.unusable;
  std::string text = record.prompt;
  for (const auto& message : record.messages)
    text += message["role"].get<std::string>().substr(0, 1) + ":" +
            message["content"].get<std::string>() + ";";
  for (const auto& answer : record.answers)
    text += "|" +
            (answer.message.is_null() ? answer.text : answer.message["content"].get<std::string>());
  for (const auto value : record.values) text += concat("#", value);
  return text;
}

TEST(RecordKinds, DocumentsAreTold) {
  const auto record = record_from(R"({"text":"Once.","source":"book"})");
  EXPECT_EQ(record.kind, RecordKind::kSft);
  EXPECT_TRUE(record.is_document);
  EXPECT_EQ(record.completion, "Once.");
}

TEST(RecordKinds, HhDialoguesAreSplitAtTheLastAssistant) {  // D17
  const auto pair = [](const std::string& chosen, const std::string& rejected) {
    return outline(record_from(to_json_line(Json{{"chosen", chosen}, {"rejected", rejected}})));
  };
  EXPECT_EQ(pair("\n\nHuman: Hi\n\nAssistant: Ho\n\nHuman: A?\n\nAssistant: B.",
                 "\n\nHuman: Hi\n\nAssistant: Ho\n\nHuman: A?\n\nAssistant: C."),
            "u:Hi;a:Ho;u:A?;|B.|C.");
  EXPECT_EQ(pair("\n\nHuman: Say it.\n\nAssistant: The label \"Human:\" and\nHuman: are text.",
                 "\n\nHuman: Say it.\n\nAssistant:"),
            "u:Say it.;|The label \"Human:\" and\nHuman: are text.|");
  EXPECT_EQ(pair("\n\nHuman: A\n\nAssistant: B", "\n\nHuman: C\n\nAssistant: B"),
            "unusable: chosen and rejected differ before the last turn");
  EXPECT_EQ(pair("\n\nHuman: A\n\nAssistant: B\n\nHuman: C", "\n\nHuman: A\n\nAssistant: B"),
            "unusable: a dialogue does not end with the assistant's turn");
  EXPECT_NE(refusal_of(R"({"chosen":"Hi","rejected":"Ho"})", RecordFormat::kHhRlhf)
                .find("row: chosen: a dialogue must start"),
            std::string::npos);
}

TEST(RecordKinds, PreferencesWithAPromptOfTheirOwn) {
  EXPECT_EQ(outline(record_from(R"({"prompt":"Q","chosen":"y","rejected":"n","margin":0.5})")),
            "Q|y|n#0.5");
  const std::string prompt = R"("prompt":[{"role":"user","content":"Q"}])";
  const std::string yes = R"({"role":"assistant","content":"y"})";
  EXPECT_EQ(
      outline(record_from("{" + prompt + ",\"chosen\":[" + yes + "],\"rejected\":" + yes + "}")),
      "u:Q;|y|y");
  EXPECT_EQ(outline(record_from(R"({"conversations":[{"from":"human","value":"Q"}],)"
                                R"("chosen":{"from":"gpt","value":"y"},)"
                                R"("rejected":{"from":"gpt","value":"n"}})")),
            "u:Q;|y|n");
  EXPECT_EQ(outline(record_from(
                R"({"instruction":"Q","input":"I","chosen":"y","rejected":"n","system":"S"})")),
            "s:S;u:Q\nI;|y|n");
  EXPECT_EQ(refusal_of(R"({"prompt":"Q","chosen":"y","rejected":3})"),
            "row: \"rejected\" must be a text as the prompt is, got number");
  EXPECT_EQ(refusal_of("{" + prompt + ",\"chosen\":[" + yes + "," + yes + "],\"rejected\":\"n\"}"),
            "row: \"chosen\" must hold one message, has 2");
  EXPECT_EQ(refusal_of("{" + prompt + R"(,"chosen":"y","rejected":{"role":"user","content":"n"}})"),
            "row: \"rejected\" must be an assistant's message");
  EXPECT_EQ(refusal_of(R"({"prompt":"Q","chosen":"y","rejected":"n","margin":"big"})"),
            "row: \"margin\" must be a number, got string");
}

TEST(RecordKinds, PreferencesWhosePromptIsTheirCommonStart) {
  const auto texts = [](const std::string& chosen, const std::string& rejected) {
    return outline(record_from(to_json_line(Json{{"chosen", chosen}, {"rejected", rejected}})));
  };
  EXPECT_EQ(texts("The sky is blue.", "The sky is green."), "The sky is| blue.| green.");
  EXPECT_EQ(texts("A cat sat", "A car sat"), "A| cat sat| car sat") << "never into a word";
  EXPECT_EQ(texts("Why? Because", "Why? Because not"), "Why? Because|| not");
  EXPECT_EQ(texts("Yes", "No"), "unusable: chosen and rejected have no common start");
  const std::string start = R"({"role":"user","content":"Q"},{"role":"assistant","content":)";
  EXPECT_EQ(
      outline(record_from("{\"chosen\":[" + start + "\"y\"}],\"rejected\":[" + start + "\"n\"}]}")),
      "u:Q;|y|n");
}

TEST(RecordKinds, UnpairedAnswers) {
  EXPECT_EQ(outline(record_from(R"({"prompt":"Q","completion":"y","label":true})")), "Q|y#1");
  EXPECT_EQ(outline(record_from(R"({"messages":[{"role":"user","content":"Q"},)"
                                R"({"role":"assistant","content":"n"}],"label":false})")),
            "u:Q;|n#0");
  EXPECT_EQ(outline(record_from(R"({"prompt":"Q","completion":"y","label":"False"})",
                                RecordFormat::kUnpaired)),
            "Q|y#0")
      << "tables have texts alone";
  EXPECT_EQ(record_from(R"({"prompt":"Q","completion":"y","label":"sports"})").kind,
            RecordKind::kSft)
      << "a label of another sort is a column like any other";
  EXPECT_EQ(refusal_of(R"({"prompt":"Q","completion":"y","label":2})", RecordFormat::kUnpaired),
            "row: \"label\" must be true or false, got 2");
  EXPECT_EQ(outline(record_from(R"({"messages":[{"role":"user","content":"Q"}],"label":true})")),
            "unusable: the last turn is not the assistant's");
}

TEST(RecordKinds, RankedListsAndSteps) {
  EXPECT_EQ(outline(record_from(R"({"prompt":"Q","completions":["a","b","c"]})")), "Q|a|b|c#1#2#3");
  EXPECT_EQ(outline(record_from(R"({"prompt":"Q","completions":["a","b"],"ranks":[2,1]})")),
            "Q|a|b#2#1");
  EXPECT_EQ(
      outline(record_from(R"({"prompt":"Q","completions":["a","b","c"],"scores":[0.1,0.9,0.1]})")),
      "Q|a|b|c#2#1#2");
  EXPECT_EQ(outline(record_from(R"({"prompt":"Q","completions":["a","b"],"labels":[true,false]})")),
            "Q|a|b#1#0");
  EXPECT_EQ(outline(record_from(R"({"prompt":"Q","completions":["a"]})")),
            "unusable: fewer than two completions to rank");
  EXPECT_EQ(refusal_of(R"({"prompt":"Q","completions":["a","b"],"ranks":[1]})"),
            "row: 2 completions, but 1 ranks");
  EXPECT_EQ(refusal_of(R"({"prompt":"Q","completions":["a","b"],"labels":[true]})"),
            "row: 2 completions, but 1 labels");
}

TEST(RecordKinds, PromptsAndWhatARightAnswerSays) {
  const auto math = record_from(R"({"prompt":"1+1?","solution":2})");
  EXPECT_EQ(math.kind, RecordKind::kPrompt);
  EXPECT_EQ(math.reference, "2");
  EXPECT_EQ(outline(record_from(R"({"question_id":81,"turns":["First","Second"]})")), "u:First;");
  EXPECT_EQ(record_from(R"({"prompt":"Q","answer":"A"})", RecordFormat::kPrompt).reference, "A");
  EXPECT_NE(refusal_of(R"({"prompt":"Q","answer":"A"})").find("--columns completion=answer"),
            std::string::npos)
      << "SFT or RL? Only the user knows";
  EXPECT_NE(refusal_of(R"({"prompt":"Q","solution":"A","reference":"B"})").find("has both"),
            std::string::npos);
}

TEST(RecordKinds, FunctionCallsOfShareGptAreToolCalls) {
  const auto record = record_from(
      R"({"conversations":[{"from":"human","value":"Rain?"},)"
      R"({"from":"function_call","value":"{\"name\":\"sky\",\"arguments\":{\"at\":\"Rome\"}}"},)"
      R"({"from":"observation","value":"dry"},{"from":"gpt","value":"No."}],"tools":"[{\"x\":1}]"})");
  EXPECT_EQ(to_json_line(record.messages[1]),
            R"({"role":"assistant","content":"","tool_calls":[{"type":"function",)"
            R"("function":{"name":"sky","arguments":{"at":"Rome"}}}]})");
  EXPECT_EQ(record.messages[2]["role"], "tool");
  EXPECT_EQ(to_json_line(record.tools), R"([{"x":1}])");
}

TEST(RecordKinds, ColumnsMayLieInsideOfARow) {
  const ColumnNames columns = {{"text", "choices.0.turns.1"}};
  const auto row = parse_json(R"({"choices":[{"turns":["a","b"]}]})", "row");
  EXPECT_EQ(with_column_names(row, columns, "row")["text"], "b");
  EXPECT_THROW(with_column_names(row, {{"text", "choices.1.turns"}}, "row"), Error);
  EXPECT_THROW(with_column_names(row, {{"text", "choices.x"}}, "row"), Error);
}

class DatasetInfo : public ::testing::Test {
 protected:
  /// The only record of `row` by an entry of dataset_info.json.
  Record read(const std::string& entry, const std::string& row) {
    folder_.file("rows.jsonl", row);
    const auto dataset = read_dataset_info(info(entry), "mine");
    std::optional<Record> found;
    for_each_record(dataset.file, dataset.options,
                    [&](Record record) { found = std::move(record); });
    return *found;
  }

  std::filesystem::path info(const std::string& entry) {
    return folder_.file("dataset_info.json", "{\"mine\":" + entry + "}");
  }

  TemporaryFolder folder_;
};

TEST_F(DatasetInfo, NamesColumnsAndTags) {
  EXPECT_EQ(outline(read(R"({"file_name":"rows.jsonl"})",
                         R"({"instruction":"Q","input":"I","output":"A","history":null})")),
            "u:Q\nI;a:A;");
  EXPECT_EQ(outline(read(R"({"file_name":"rows.jsonl","columns":{"prompt":"q","response":"a"}})",
                         R"({"q":"Q","a":"A","input":"not named"})")),
            "u:Q;a:A;");
  EXPECT_EQ(read(R"({"file_name":"rows.jsonl","columns":{"prompt":"body"}})", R"({"body":"Once."})")
                .completion,
            "Once.");
  EXPECT_EQ(outline(read(R"({"file_name":"rows.jsonl","formatting":"sharegpt","ranking":true,)"
                         R"("columns":{"messages":"talk","chosen":"good","rejected":"bad"},)"
                         R"("tags":{"role_tag":"who","content_tag":"says","user_tag":"me",)"
                         R"("assistant_tag":"you"}})",
                         R"({"talk":[{"who":"me","says":"Q"}],"good":{"who":"you","says":"y"},)"
                         R"("bad":{"who":"you","says":"n"}})")),
            "u:Q;|y|n");
  EXPECT_EQ(
      outline(read(R"({"file_name":"rows.jsonl","formatting":"sharegpt","columns":)"
                   R"({"messages":"messages","kto_tag":"ok"},"tags":{"role_tag":"role",)"
                   R"("content_tag":"content","user_tag":"user","assistant_tag":"assistant"}})",
                   R"({"messages":[{"role":"user","content":"Q"},{"role":"assistant",)"
                   R"("content":"A"}],"ok":true})")),
      "u:Q;|A#1");
}

TEST_F(DatasetInfo, RefusesWhatItDoesNotKnow) {
  const auto refused = [&](const std::string& entry, const std::string& name = "mine") {
    const auto path = info(entry);
    return error_of([&] { read_dataset_info(path, name); });
  };
  EXPECT_NE(refused("{}", "mind").find("no data set is called \"mind\""), std::string::npos);
  EXPECT_NE(refused(R"({"hf_hub_url":"a/b"})").find("\"hf_hub_url\" is not known"),
            std::string::npos);
  EXPECT_NE(refused("{}").find("\"file_name\" must be a string"), std::string::npos);
  EXPECT_NE(refused(R"({"file_name":"x","columns":{"promt":"q"}})").find("columns: \"promt\""),
            std::string::npos);
  EXPECT_NE(refused(R"({"file_name":"x","formatting":"openai"})").find("formatting \"openai\""),
            std::string::npos);
}

/// Records of `path`, and how many of them are of use.
std::pair<std::size_t, std::size_t> counts_of(const std::filesystem::path& path,
                                              const RecordOptions& options = {}) {
  std::pair<std::size_t, std::size_t> counts;
  for_each_record(path, options, [&](const Record& record) {
    ++counts.first;
    counts.second += record.unusable.empty();
  });
  return counts;
}

// Numbers of records as shared/data/README.md has them.
TEST(RecordKinds, EveryRealFileIsRead) {
  const auto data = shared_path("data");
  if (!data) GTEST_SKIP() << "the shared data are not here";
  const auto all = [](std::size_t count) { return std::pair(count, count); };
  const auto instructions = *data / "instructions";
  EXPECT_EQ(counts_of(instructions / "dolly_hhrlhf_train_small.jsonl"), all(1000));
  EXPECT_EQ(counts_of(instructions / "gpteacher_roleplay.json"), all(1923));
  EXPECT_EQ(counts_of(instructions / "fastchat_dummy_conversation.json"), all(500));
  EXPECT_EQ(counts_of(instructions / "identity.json"), all(91));
  EXPECT_EQ(counts_of(instructions / "mt_bench_question.jsonl"), all(80));
  EXPECT_EQ(counts_of(instructions / "vicuna_bench_question.jsonl"), all(80));
  RecordOptions options;
  options.columns = {{"text", "choices.0.turns.0"}};
  EXPECT_EQ(counts_of(instructions / "mt_bench_reference_gpt4.jsonl", options), all(30));
  options.columns = {{"text", "prompt_template"}};
  EXPECT_EQ(counts_of(instructions / "mt_bench_judge_prompts.jsonl", options), all(8));
  EXPECT_EQ(counts_of(*data / "preferences" / "dpo_en_demo.json"), all(300));
  EXPECT_EQ(counts_of(*data / "preferences" / "kto_en_demo.json"), all(300));
  EXPECT_EQ(counts_of(*data / "preferences" / "hh_rlhf_harmless_base_test.jsonl.gz").first, 2312u);
}

}  // namespace
}  // namespace hone
