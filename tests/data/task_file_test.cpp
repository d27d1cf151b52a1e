// Task files of our own: what they make of records, what they refuse, and the files in
// data/templates over the shared data sets.
#include <map>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <hone/data/task_file.h>

#include "base/error_of.h"
#include "base/temporary_folder.h"
#include "shared_data.h"

namespace hone::testing {
namespace {

constexpr const char* kSentiment = R"(task = "sentiment"
fields = ["text"]
optional = ["title"]
label = "label"
labels = ["neg", "pos"]
choices = ["bad", "good"]

[[template]]
name = "plain"
prompt = """
{% if title %}{{ title }}: {% endif %}{{ text }}
  {{ choices | join("/") }}?
"""

[[template]]
name = "own_words"
prompt = "{{ text }} {{ label }}"
completion = "It is {{ answer }}."
choices = ["awful", "great"]

[[template]]
name = "inverted"
prompt = "Write something {{ answer }}."
completion = " {{ text }} "
)";

Json record(const std::string& text, const Json& label) {
  Json record = Json::object();
  record["text"] = text;
  record["label"] = label;
  return record;
}

class TaskFile : public ::testing::Test {
 protected:
  std::shared_ptr<const Task> read(const std::string& text,
                                   const std::vector<std::string>& use = {}) const {
    return read_task(folder_.file("t.toml", text), use);
  }
  std::string refusal(const std::string& text) const {
    return error_of([&] { read(text); });
  }
  TemporaryFolder folder_;
};

TEST_F(TaskFile, TemplatesTakeFieldsChoicesAndAnswer) {
  const auto task = read(kSentiment);
  EXPECT_EQ(task->name(), "sentiment");
  EXPECT_EQ(task->render(record("Fine", 1), "p", 0, 0), (Instruction{"Fine\n  bad/good?", "good"}));
  EXPECT_EQ(task->render(record("Fine", "neg"), "p", 1, 0),
            (Instruction{"Fine 0", "It is awful."}));
  EXPECT_EQ(task->render(record("Fine", "1"), "p", 2, 0),
            (Instruction{"Write something good.", "Fine"}));
  EXPECT_EQ(task->render(record("Fine", true), "p", 0, 0)->completion, "good");
  auto titled = record("Fine", 0);
  titled["title"] = "Film";
  EXPECT_EQ(task->render(titled, "p", 0, 0)->prompt, "Film: Fine\n  bad/good?");
  EXPECT_EQ(task->content(titled), "Fine\n");
  EXPECT_EQ(task->render(record("", 0), "p", 2, 0), std::nullopt);  // nothing to learn
  EXPECT_EQ(read(kSentiment, {"inverted"})->template_names(), std::vector<std::string>{"inverted"});
}

TEST_F(TaskFile, ChoicesMayComeWithTheRecordOrBeAnyText) {
  const auto own = read(
      "task = \"q\"\nfields = [\"q\"]\nlabel = \"gold\"\nchoices_from = \"c\"\n[[template]]\nname "
      "= "
      "\"n\"\nprompt = \"{{ q }} {{ choices[1] }}\"\ncompletion = \"{{ label }}{{ answer }}\"");
  const auto row = Json::parse(R"({"q":"Q","c":["x","y"],"gold":1})");
  EXPECT_EQ(own->render(row, "p", 0, 0), (Instruction{"Q y", "1y"}));
  EXPECT_EQ(own->content(row), "Q\nx\ny\n");  // the same question with other choices is another
  const auto any = read(
      "task = \"i\"\nfields = [\"q\"]\nlabel = \"gold\"\n[[template]]\nname = \"n\"\nprompt = "
      "\"{{ q }}\"");
  EXPECT_EQ(any->render(Json::parse(R"({"q":"Q","gold":"a_b"})"), "p", 0, 0),
            (Instruction{"Q", "a_b"}));
  EXPECT_EQ(error_of([&] { any->check(Json::parse(R"({"q":"Q","gold":3})"), "d:1"); }),
            "d:1: \"gold\" must be a text, got number");
  EXPECT_EQ(error_of([&] { own->check(Json::parse(R"({"q":"Q","gold":1})"), "d:2"); }),
            "d:2: the record has no field \"c\"");
  EXPECT_EQ(error_of([&] { own->check(Json::parse(R"({"q":"Q","c":[],"gold":0})"), "d:3"); }),
            "d:3: \"c\" must be a list of texts");
}

TEST_F(TaskFile, RefusesRecordsInOneLine) {
  const auto task = read(kSentiment);
  const auto message = [&](const Json& row) {
    return error_of([&] { task->check(row, "d.jsonl:7"); });
  };
  EXPECT_EQ(message(Json::parse(R"({"label":1})")), "d.jsonl:7: the record has no field \"text\"");
  EXPECT_EQ(message(Json::parse(R"({"text":"a"})")),
            "d.jsonl:7: the record has no field \"label\"");
  EXPECT_EQ(message(Json::parse(R"({"text":null,"label":1})")),
            "d.jsonl:7: the record has no field \"text\"");
  for (const auto& label : {Json(2), Json(-1), Json("positive"), Json("2"), Json(0.5)}) {
    EXPECT_TRUE(contains(message(record("a", label)), "d.jsonl:7: unknown choice ")) << label;
    EXPECT_TRUE(contains(message(record("a", label)), "expected 0 to 1, \"neg\", \"pos\""));
  }
}

TEST_F(TaskFile, RefusesMalformedFilesInOneLine) {
  const std::string head = "task = \"t\"\nfields = [\"text\"]\n";
  const std::string labels = "label = \"l\"\nlabels = [\"a\", \"b\"]\n";
  const std::string body = "[[template]]\nname = \"n\"\nprompt = \"{{ text }}\"\n";
  const auto expect = [&](const std::string& text, const std::string& part) {
    EXPECT_TRUE(contains(refusal(text), part)) << refusal(text);
  };
  expect("", "t.toml: has no keys");
  expect("task = ", "t.toml:1: not TOML: ");
  expect("task = 3\n", "t.toml:1: \"task\" must be a text, got a number");
  expect("task = 2020-01-01", "t.toml:1: a date or time is of no use here");
  expect("fields = [\"a\"]\n", "\"task\" must be a text, got nothing");
  expect("task = \"t\"\n" + body, "\"fields\" must name at least one field");
  expect("task = \"t\"\nfields = [\"a\", 1]\n", "t.toml:2: \"fields\" must be a list of texts");
  expect(head, "t.toml: has no [[template]]");
  expect(head + "templates = 1\n" + body,
         "t.toml:3: unknown key \"templates\" (did you mean "
         "template");
  expect(head + labels + "choices = [\"x\"]\n" + body,
         "t.toml:5: \"choices\" must be as many as \"labels\", 2, got 1");
  expect(head + "labels = [\"a\"]\n" + body, "the task has choices but no \"label\"");
  expect(head + labels + "choices_from = \"c\"\n" + body, "not both");
  expect("task = \"t\"\nfields = [\"answer\"]\n" + labels + body,
         "t.toml:2: a field cannot be called \"answer\"");
  expect(head + body, "\"completion\" must be a text, got nothing");
  expect(head + labels + body + body, "two templates are called \"n\"");
  expect(head + labels + body + "promt = \"x\"",
         "t.toml:8: unknown key \"promt\" (did you mean "
         "prompt");
  expect(head + labels + "[[template]]\nname = \"n\"\nprompt = \"{{ txt }}\"\n",
         "t.toml:7: prompt of \"n\": unknown variable \"txt\" (did you mean text");
  expect(head + labels + "[[template]]\nname = \"n\"\nprompt = \"{{ text\"\n",
         "t.toml:7: prompt of \"n\":1: ");
  expect(head + labels + "[[template]]\nname = \"n\"\nprompt = \"{{ text | shout }}\"\n",
         "no filter named \"shout\"");
  EXPECT_TRUE(contains(error_of([&] { read(head + labels + body, {"m"}); }),
                       "no template is called \"m\""));
  EXPECT_TRUE(contains(error_of([&] { read_task(folder_.file("t.txt", "x")); }),
                       "templates are in .toml files"));
  EXPECT_TRUE(contains(error_of([&] { read_task(folder_ / "none.toml"); }), "none.toml"));
}

// ---- data/templates

/// A record that suits the task, and the answers that it may have.
Json example_of(const std::string& task) {
  static const std::map<std::string, const char*> kExamples = {
      {"sentiment", R"({"text":"T-E-X-T","label":1})"},
      {"entailment", R"({"premise":"P-R-E","hypothesis":"H-Y-P","label":"neutral"})"},
      {"yes_no_question", R"({"passage":"P-A-S","question":"q-u-e?","label":"yes"})"},
      {"cause_or_effect",
       R"({"premise":"P-R-E.","relation":"cause","choices":["c-1.","c-2."],"label":1})"},
      {"intent", R"({"text":"T-E-X-T","label":"card_arrival"})"},
      {"multiple_choice", R"({"question":"Q-U-E?","choices":["c-1","c-2","c-3"],"label":2})"},
      {"paraphrase", R"({"sentence1":"S-1","sentence2":"S-2","label":0})"}};
  return Json::parse(kExamples.at(task));
}

TEST(ShippedTemplates, AreManyDifferentAndUseWhatTheRecordHas) {
  std::size_t files = 0;
  const auto folder = std::filesystem::path(HONE_SOURCE_DIR) / "data" / "templates";
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    ++files;
    const auto task = read_task(entry.path());
    const auto example = example_of(task->name());
    EXPECT_EQ(entry.path().stem(), task->name());
    EXPECT_GE(task->template_names().size(), 6u) << task->name();
    std::set<std::string> prompts;
    std::size_t inverted = 0;
    for (std::size_t i = 0; i < task->template_names().size(); ++i) {
      const auto made = task->render(example, "here", i, 0);
      ASSERT_TRUE(made) << task->template_names()[i];
      EXPECT_TRUE(prompts.insert(made->prompt).second) << made->prompt;
      const auto both = made->prompt + "\n" + made->completion;
      EXPECT_EQ(both.find("{{"), std::string::npos) << both;
      // Something of the record is in each, and an inverted one gives a text of the record.
      bool has_text = false, is_inverted = false;
      for (const auto& [field, value] : example.items()) {
        if (field == "choices" || field == "label" || field == "relation") continue;
        const auto start = value.get<std::string>().substr(1, 3);
        has_text = has_text || both.find(start) != std::string::npos;
        is_inverted = is_inverted || made->completion.substr(1, 3) == start;
      }
      EXPECT_TRUE(has_text) << both;
      inverted += is_inverted ? 1 : 0;
    }
    EXPECT_GE(inverted, 1u) << task->name();
    EXPECT_GE(prompts.size() - inverted, 6u) << task->name();
  }
  EXPECT_GE(files, 7u);
}

TEST(ShippedTemplates, EveryChoiceGivesAnotherInstruction) {
  for (const auto* name : {"sentiment", "entailment", "yes_no_question", "paraphrase"}) {
    const auto task = read_task(std::filesystem::path(HONE_SOURCE_DIR) / "data" / "templates" /
                                (std::string(name) + ".toml"));
    for (std::size_t i = 0; i < task->template_names().size(); ++i) {
      std::set<std::string> seen;
      const int labels = task->name() == "entailment" ? 3 : 2;
      for (int label = 0; label < labels; ++label) {
        auto example = example_of(task->name());
        example["label"] = label;
        const auto made = task->render(example, "here", i, 0);
        EXPECT_TRUE(seen.insert(made->prompt + "\n" + made->completion).second)
            << name << " " << task->template_names()[i] << " " << label;
      }
    }
  }
}

}  // namespace
}  // namespace hone::testing
