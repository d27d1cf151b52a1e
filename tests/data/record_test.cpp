#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <hone/base/error.h>
#include <hone/data/record_file.h>

#include "base/temporary_folder.h"
#include "shared_data.h"

namespace hone {
namespace {

using testing::shared_path;
using testing::TemporaryFolder;

constexpr const char* kPair = R"({"prompt":"Name a metal.","completion":" Tin."})";

/// The messages and texts of all records, for comparison.
std::string dump(const std::vector<Record>& records) {
  std::string text;
  for (const auto& record : records) {
    text += record.messages.is_null() ? record.prompt + "|" + record.completion
                                      : to_json_line(record.messages);
    text += "\n";
  }
  return text;
}

std::string read_text(const std::string& content, const std::string& name = "rows.jsonl") {
  const TemporaryFolder folder;
  return dump(read_records(folder.file(name, content)));
}

std::string message_of(const std::filesystem::path& path) {
  try {
    read_records(path);
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

/// What reading `content` is refused with, without the folder in front of the file's name.
std::string refusal(const std::string& content, const std::string& name = "rows.jsonl") {
  const TemporaryFolder folder;
  const auto message = message_of(folder.file(name, content));
  const auto at = message.find(name);
  return at == std::string::npos ? message : message.substr(at);
}

TEST(Records, ReadEveryLayout) {
  const std::string chat = R"([{"role":"user","content":"Hi"},{"role":"assistant","content":"Ho"}])"
                           "\n";
  EXPECT_EQ(
      read_text(
          R"({"messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":"Ho"}]})"),
      chat);
  EXPECT_EQ(
      read_text(R"({"conversations":[{"from":"human","value":"Hi"},{"from":"gpt","value":"Ho"}]})"),
      chat);
  EXPECT_EQ(read_text(R"({"instruction":"Hi","output":"Ho"})"), chat);
  EXPECT_EQ(read_text(R"({"instruction":"Hi","input":"","output":"Ho"})"), chat);
  EXPECT_EQ(read_text(R"({"instruction":"Hi","input":null,"output":"Ho"})"), chat);
  EXPECT_EQ(
      read_text(
          R"({"prompt":[{"role":"user","content":"Hi"}],"completion":[{"role":"assistant","content":"Ho"}]})"),
      chat);
  EXPECT_EQ(read_text(R"({"prompt":"Hi","response":"Ho"})"), "Hi|Ho\n");
  EXPECT_EQ(read_text(R"({"prompt":"Hi","completion":"Ho"})"), "Hi|Ho\n");
}

TEST(Records, AlpacaPutsInputBehindTheInstructionAndHistoryBeforeIt) {
  EXPECT_EQ(
      read_text(
          R"({"instruction":"Add.","input":"1 2","output":"3","system":"Be brief.","history":[["A","B"]]})"),
      R"([{"role":"system","content":"Be brief."},{"role":"user","content":"A"},)"
      R"({"role":"assistant","content":"B"},{"role":"user","content":"Add.\n1 2"},)"
      R"({"role":"assistant","content":"3"}])"
      "\n");
}

TEST(Records, PromptMessagesAreContext) {
  const TemporaryFolder folder;
  const auto records = read_records(folder.file(
      "a.jsonl",
      R"({"prompt":[{"role":"user","content":"Hi"},{"role":"assistant","content":"Ho"},)"
      R"({"role":"user","content":"Again"}],"completion":[{"role":"assistant","content":"Ha"}]})"));
  EXPECT_EQ(records.at(0).prompt_messages, 3u);
  EXPECT_EQ(records.at(0).messages.size(), 4u);
}

TEST(Records, KeepToolsAndToolCalls) {
  const TemporaryFolder folder;
  const auto record = read_records(folder.file(
      "a.jsonl",
      R"({"messages":[{"role":"assistant","content":null,"tool_calls":[{"name":"f"}]}],"tools":[{"x":1}]})"))
      [0];
  EXPECT_EQ(to_json_line(record.messages),
            R"([{"role":"assistant","content":"","tool_calls":[{"name":"f"}]}])");
  EXPECT_EQ(to_json_line(record.tools), R"([{"x":1}])");
}

TEST(Records, RefuseARowByItsPlaceAndRule) {
  EXPECT_EQ(refusal(R"({"body":"a"})"),
            "rows.jsonl:1: expected messages, prompt with completion, instruction with output, "
            "conversations, text, chosen with rejected, or prompt; its keys are body");
  EXPECT_EQ(refusal("{}").substr(0, 22), "rows.jsonl:1: expected");
  EXPECT_EQ(refusal("[1]", "rows.json"),
            "rows.json: record 1: an example must be an object, got number");
  EXPECT_EQ(refusal("7"), "rows.jsonl:1: an example must be an object, got number");
  EXPECT_EQ(refusal(R"({"messages":[],"conversations":[]})"),
            "rows.jsonl:1: fits several layouts, name one; its keys are messages, conversations");
  EXPECT_EQ(refusal(R"({"messages":{}})"),
            "rows.jsonl:1: \"messages\" must be an array of messages, got object");
  EXPECT_EQ(refusal(R"({"messages":[]})"), "rows.jsonl:1: \"messages\" is empty");
  EXPECT_EQ(refusal(R"({"messages":["x"]})"),
            "rows.jsonl:1: messages[0]: a message must be an object, got string");
  EXPECT_EQ(refusal(R"({"messages":[{"content":"x"}]})"),
            "rows.jsonl:1: messages[0]: \"role\" must be a string, got null");
  EXPECT_EQ(refusal(R"({"messages":[{"role":"user","content":null}]})"),
            "rows.jsonl:1: messages[0]: \"content\" must be a string, got null");
  EXPECT_EQ(refusal(R"({"messages":[{"role":"assistant","content":"x","weight":0}]})"),
            "rows.jsonl:1: messages[0]: message weights other than 1 are not supported");
  EXPECT_EQ(refusal(R"({"prompt":"x","completion":3})"),
            "rows.jsonl:1: \"completion\" must be a string, got number");
  EXPECT_EQ(refusal(R"({"prompt":[{"role":"user","content":"x"}],"completion":"y"})"),
            "rows.jsonl:1: \"prompt\" and \"completion\" must both be texts or both be arrays of "
            "messages, "
            "got array and string");
  EXPECT_EQ(refusal(R"({"instruction":"x","output":"y","history":"z"})"),
            "rows.jsonl:1: \"history\" must be an array of pairs of strings");
}

TEST(Records, AFormatThatIsNamedRefusesOthers) {
  EXPECT_EQ(record_format("sharegpt"), RecordFormat::kShareGpt);
  EXPECT_THROW(record_format("share"), Error);
  const TemporaryFolder folder;
  const auto path = folder.file("a.jsonl", kPair);
  EXPECT_EQ(read_records(path, RecordFormat::kPromptCompletion).size(), 1u);
  EXPECT_THROW(read_records(path, RecordFormat::kMessages), Error);
}

TEST(Records, ByteOrderMarkAndCrlfChangeNothing) {  // D01
  const std::string clean = std::string(kPair) + "\n" + kPair + "\n";
  EXPECT_EQ(read_text(std::string("\xef\xbb\xbf") + kPair + "\r\n" + kPair + "\r\n"),
            read_text(clean));
  EXPECT_EQ(read_text(std::string("\xef\xbb\xbf[") + kPair + "]", "rows.json"), read_text(kPair));
}

TEST(Records, BlankLinesCountInPlaces) {  // D02, D03
  const TemporaryFolder folder;
  const auto records =
      read_records(folder.file("a.jsonl", std::string("\n") + kPair + "\n \t\n" + kPair));
  ASSERT_EQ(records.size(), 2u);
  EXPECT_TRUE(records[1].place.ends_with("a.jsonl:4")) << records[1].place;
  EXPECT_EQ(
      refusal(std::string("\n") + kPair + "\n" + R"({"messages":[{"role":"user","content":"x"},]})")
          .substr(0, 26),
      "rows.jsonl:3: byte 44: not");
}

TEST(Records, RefuseDuplicateKeysAndNumbersOutOfRange) {  // D04, D05
  EXPECT_EQ(refusal(R"({"prompt":"a","prompt":"b","completion":"c"})"),
            "rows.jsonl:1: duplicate key \"prompt\"");
  EXPECT_EQ(refusal(R"({"prompt":"a","completion":"c","label":1e400})"),
            "rows.jsonl:1: number out of range");
  EXPECT_EQ(refusal(R"({"prompt":"a","completion":"c","label":NaN})").substr(0, 23),
            "rows.jsonl:1: byte 40: ");
  EXPECT_EQ(read_text(R"({"prompt":"a","completion":"c","label":12345678901234567890123})"),
            "a|c\n");
}

TEST(Records, NullIsNoText) {  // D06
  EXPECT_EQ(refusal(R"({"instruction":"a","input":"","output":null})"),
            "rows.jsonl:1: \"output\" must be a string, got null");
}

TEST(Records, EachRowIsReadByItsOwnKeys) {  // D07
  EXPECT_EQ(read_text(std::string(kPair) + "\n" + R"({"instruction":"a","output":"b"})"),
            "Name a metal.| Tin.\n"
            R"([{"role":"user","content":"a"},{"role":"assistant","content":"b"}])"
            "\n");
  EXPECT_EQ(refusal(std::string(kPair) + "\n" + R"({"messages":[{"role":"user","content":7}]})"),
            "rows.jsonl:2: messages[0]: \"content\" must be a string, got number");
}

TEST(Records, NoExamples) {  // D09
  for (const char* text : {"", "\n \n\n", "\xef\xbb\xbf"})
    EXPECT_EQ(refusal(text), "rows.jsonl: no examples");
  EXPECT_EQ(refusal("[]", "rows.json"), "rows.json: no examples");
}

TEST(Records, OneHugeLine) {  // D10
  std::string words;
  for (int i = 0; i < 8 * 1024 * 1024 / 5; ++i) words += "word ";
  EXPECT_EQ(read_text(R"({"prompt":"p","completion":")" + words + "\"}"), "p|" + words + "\n");
}

TEST(Records, SurrogatesAreJoinedOrRefused) {  // D11
  EXPECT_EQ(read_text(R"({"prompt":"a","completion":" \ud83d\ude00"})"), "a| \xf0\x9f\x98\x80\n");
  EXPECT_EQ(refusal(std::string(kPair) + "\n" + R"({"prompt":"a","completion":" x\ud83dy"})")
                .substr(0, 14),
            "rows.jsonl:2: ");
}

TEST(Records, RoleNamesAreMappedOrRefused) {  // D12
  const auto rows = [](const char* user, const char* assistant) {
    return concat(R"([{"conversations":[{"from":")", user, R"(","value":"1"},{"from":")", assistant,
                  R"(","value":"2"}]}])");
  };
  EXPECT_EQ(read_text(rows("human", "gpt")), read_text(rows("user", "assistant")));
  EXPECT_EQ(refusal(rows("human", "narrator"), "rows.json"),
            "rows.json: record 1: conversations[1]: unknown role \"narrator\", expected system, "
            "user, assistant or tool");
}

TEST(Records, TextThatLooksLikeDataStaysText) {  // D15
  EXPECT_EQ(read_text(R"({"prompt":"null","completion":" [1,2]"})"), "null| [1,2]\n");
}

TEST(Records, TextPartsAreJoinedOthersRefused) {  // D19
  EXPECT_EQ(read_text(R"({"messages":[{"role":"user","content":[{"type":"text","text":"Name "},)"
                      R"({"type":"text","text":"a bird."}]}]})"),
            R"([{"role":"user","content":"Name a bird."}])"
            "\n");
  EXPECT_EQ(refusal(R"({"messages":[{"role":"user","content":[{"type":"image_url"}]}]})"),
            "rows.jsonl:1: messages[0]: content has a part of type \"image_url\"; only text can be "
            "trained on");
}

TEST(Records, InvalidUtf8IsRefusedByItsByte) {  // D21
  EXPECT_EQ(refusal("{\"prompt\":\"Drink?\",\"completion\":\" caf\xe9\"}").substr(0, 32),
            "rows.jsonl:1: byte 38 is not UTF");
}

TEST(Records, OnlyLineFeedsEndLines) {  // D22
  EXPECT_EQ(read_text("{\"prompt\":\"a\xe2\x80\xa8"
                      "b\",\"completion\":\"c\xc2\x85"
                      "d\"}"),
            "a\xe2\x80\xa8"
            "b|c\xc2\x85"
            "d\n");
}

TEST(Records, SharedCases) {
  const auto cases = shared_path("cases/files");
  if (!cases) return;  // the same rules are tested above with rows of our own
  const auto records = [&](const char* name) { return read_records(*cases / name); };
  const auto refused = [&](const char* name) {
    const auto message = message_of(*cases / name);
    return message.substr(std::min(message.size(), cases->string().size() + 1));
  };
  EXPECT_EQ(dump(records("D01_bom_crlf.jsonl")), dump(records("D01_clean.jsonl")));
  EXPECT_EQ(records("D02_blank_lines.jsonl").size(), 3u);
  EXPECT_EQ(refused("D03_bad_line3.jsonl").substr(0, 21), "D03_bad_line3.jsonl:3");
  EXPECT_EQ(refused("D04_dup_keys.jsonl"), "D04_dup_keys.jsonl:1: duplicate key \"prompt\"");
  EXPECT_EQ(refused("D06_nulls.jsonl"), "D06_nulls.jsonl:2: \"output\" must be a string, got null");
  EXPECT_EQ(refused("D07_mixed_schema.jsonl"),
            "D07_mixed_schema.jsonl:3: messages[0]: \"content\" must be a string, got number");
  EXPECT_EQ(records("D08_two_members.jsonl.gz").size(), 3u);
  EXPECT_EQ(refused("D08_truncated.jsonl.gz"),
            "D08_truncated.jsonl.gz: unexpected end of gzip data");
  EXPECT_EQ(refused("D09_empty.jsonl"), "D09_empty.jsonl: no examples");
  EXPECT_EQ(refused("D09_blank_only.jsonl"), "D09_blank_only.jsonl: no examples");
  EXPECT_EQ(refused("D11_lone_surrogate.jsonl").substr(0, 26), "D11_lone_surrogate.jsonl:2");
  EXPECT_NE(refused("D12_roles.json").find("record 3: conversations[1]: unknown role \"narrator\""),
            std::string::npos);
  EXPECT_EQ(records("D13_turn_order.jsonl").size(), 3u);
  EXPECT_EQ(records("D15_schema_text.jsonl").at(2).completion, " [1,2]");
  EXPECT_EQ(refused("D19_parts.jsonl").substr(0, 17), "D19_parts.jsonl:2");
  EXPECT_EQ(refused("D21_latin1.jsonl").substr(0, 37), "D21_latin1.jsonl:2: byte 38 is not UT");
  EXPECT_EQ(records("D22_line_separator.jsonl").size(), 2u);
  const auto alpaca = records("D18_alpaca.json");
  EXPECT_EQ(alpaca.at(1).messages[0]["content"], "Translate to French.\nwater");
  EXPECT_EQ(alpaca.at(2).messages[0]["content"], "List a nut.");
  EXPECT_EQ(records("L08_sharegpt_system.json").at(0).messages.size(), 5u);
}

}  // namespace
}  // namespace hone
