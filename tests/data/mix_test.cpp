// Mixtures from files to files: what is kept, what is dropped and why, and how it is mixed.
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <hone/base/files.h>
#include <hone/base/row_source.h>
#include <hone/data/mix.h>
#include <hone/data/mixture_file.h>
#include <hone/data/record_file.h>

#include "base/error_of.h"
#include "base/temporary_folder.h"
#include "shared_data.h"

namespace hone::testing {
namespace {

constexpr const char* kTask = R"(task = "echo"
fields = ["text"]
label = "label"
labels = ["no", "yes"]
[[template]]
name = "a"
prompt = "A {{ text }}"
[[template]]
name = "b"
prompt = "B {{ text }}"
[[template]]
name = "c"
prompt = "C {{ answer }}"
completion = "{{ text }}"
)";

class Mix : public ::testing::Test {
 protected:
  Mix() {
    folder_.file("echo.toml", kTask);
    std::filesystem::create_directory(out());
  }

  std::filesystem::path out() const { return folder_ / "out"; }

  /// A TSV file of `count` records, whose texts begin with `word`.
  void write_records(const std::string& name, const std::string& word, int count) const {
    std::string text = "text\tlabel\n";
    for (int i = 0; i < count; ++i)
      text += word + " number " + std::to_string(i) + "\t" + std::to_string(i % 2) + "\n";
    folder_.file(name, text);
  }

  MixSummary run(const std::string& mixture, const MixOptions& options = {}) const {
    return mix(read_mixture(folder_.file("mix.toml", mixture)), options, out());
  }

  std::vector<Json> rows(const std::string& name) const {
    std::vector<Json> rows;
    for_each_line(out() / name, [&](std::string_view line, const std::string& place) {
      rows.push_back(parse_json(line, place));
    });
    return rows;
  }

  std::string source(const std::string& name, const std::string& more = {}) const {
    return "[[source]]\nname = \"" + name + "\"\ntemplates = \"echo.toml\"\nfiles = [{path = \"" +
           name + ".tsv\"}]\n" + more;
  }

  TemporaryFolder folder_;
};

TEST_F(Mix, WritesInstructionsThatConvertReads) {
  write_records("x.tsv", "x", 30);
  const auto summary = run(source("x"));
  EXPECT_EQ(summary.train, 30);
  std::set<std::string> templates;
  std::set<std::string> prompts;
  for (const auto& row : rows("train.jsonl")) {
    EXPECT_EQ(row["task"], "echo");
    templates.insert(row["template"].get<std::string>());
    prompts.insert(row.dump());
    const bool inverted = row["template"] == "c";
    const auto text = row[inverted ? "completion" : "prompt"].get<std::string>();
    EXPECT_NE(text.find(" number "), std::string::npos) << row;
    EXPECT_EQ(row["completion"].get<std::string>()[0], '\n') << row;
  }
  EXPECT_EQ(templates, (std::set<std::string>{"a", "b", "c"}));
  EXPECT_EQ(prompts.size(), 30u);
  EXPECT_EQ(read_records(out() / "train.jsonl").size(), 30u);
  const auto first = read_file(out() / "train.jsonl");
  run(source("x"));
  EXPECT_EQ(read_file(out() / "train.jsonl"), first);
  run(source("x"), {.care = {.seed = 1}});
  EXPECT_NE(read_file(out() / "train.jsonl"), first);
  run(source("x"), {.layout = MixLayout::kMessages});
  const auto records = read_records(out() / "train.jsonl");
  EXPECT_EQ(records[0].messages[1]["role"], "assistant");
}

TEST_F(Mix, TemplatesAreDrawnEquallyOften) {
  write_records("x.tsv", "x", 3000);
  const auto summary = run(source("x"));
  // 1000 each; five standard deviations are 129.
  for (const auto& [name, count] : summary.report["sources"][0]["templates"].items())
    EXPECT_NEAR(count.get<double>(), 1000, 129) << name;
}

std::map<std::string, int> count_tasks(const std::vector<Json>& rows, const char* key) {
  std::map<std::string, int> counts;
  for (const auto& row : rows) {
    const auto text = row["prompt"].get<std::string>() + row["completion"].get<std::string>();
    ++counts[text.find(key) != std::string::npos ? key : "other"];
  }
  return counts;
}

TEST_F(Mix, FollowsRatesWithACapAndWeights) {
  write_records("x.tsv", "xx", 100);
  write_records("y.tsv", "yy", 900);
  run(source("x") + source("y"), {.cap = 300});
  EXPECT_EQ(count_tasks(rows("train.jsonl"), "xx"),
            (std::map<std::string, int>{{"xx", 100}, {"other", 300}}));
  run(source("x", "weight = 1\n") + source("y", "weight = 3.0\n"));
  EXPECT_EQ(count_tasks(rows("train.jsonl"), "xx"),
            (std::map<std::string, int>{{"xx", 100}, {"other", 300}}));
  // More rows than there are: each record comes again, through the next template.
  const auto summary =
      run(source("x", "weight = 1\n") + source("y", "weight = 0\n"), {.rows = 300});
  EXPECT_EQ(summary.report["sources"][0]["repeated_rows"], 200);
  std::set<std::string> distinct;
  for (const auto& row : rows("train.jsonl")) distinct.insert(row.dump());
  EXPECT_EQ(distinct.size(), 300u);
  EXPECT_TRUE(contains(error_of([&] { run(source("x", "weight = 1\n"), {.cap = 5}); }),
                       "cap is for sources"));
}

TEST_F(Mix, KeepsUnseenTasksApartAndOutOfTraining) {
  write_records("x.tsv", "x", 20);
  write_records("y.tsv", "x", 50);  // its first 20 records are those of x
  const auto summary = run(source("x") + source("y"), {.care = {.unseen = {"x"}}});
  EXPECT_EQ(summary.unseen, 20);
  EXPECT_EQ(summary.train, 30);
  const auto& dropped = summary.report["sources"][1]["dropped"];
  ASSERT_EQ(dropped.size(), 1u);
  EXPECT_EQ(dropped[0]["count"], 20);
  EXPECT_TRUE(contains(error_of([&] { run(source("x"), {.care = {.unseen = {"z"}}}); }),
                       "no source or task is called \"z\""));
  EXPECT_TRUE(contains(error_of([&] { run(source("x"), {.care = {.unseen = {"echo"}}}); }),
                       "no record is left to train on"));
}

TEST_F(Mix, SplitsByWordsAndSeedAlone) {
  write_records("x.tsv", "x", 4000);
  const auto summary = run(source("x"), {.care = {.held_out = 0.1}});
  EXPECT_EQ(summary.train + summary.held_out, 4000);
  // 400 expected; five standard deviations of the binomial are 95.
  EXPECT_NEAR(static_cast<double>(summary.held_out), 400, 95);
  const auto texts = [&] {
    std::set<std::string> found;
    for (const auto& row : rows("held_out.jsonl")) {
      const auto both = row["prompt"].get<std::string>() + row["completion"].get<std::string>();
      const auto at = both.find("number ");
      found.insert(both.substr(at, both.find('\n', at) - at));
    }
    return found;
  };
  const auto before = texts();
  EXPECT_EQ(before.size(), static_cast<std::size_t>(summary.held_out));
  // The same records elsewhere, after others: those that are held out stay held out.
  write_records("w.tsv", "w", 100);
  std::filesystem::rename(folder_ / "x.tsv", folder_ / "z.tsv");
  run(source("w") + source("z"), {.care = {.held_out = 0.1}});
  const auto after = texts();
  for (const auto& text : before) EXPECT_TRUE(after.count(text)) << text;
}

TEST_F(Mix, CountsEveryRowThatIsDroppedAndWhy) {
  folder_.file("x.tsv",
               "text\tlabel\n"
               "the cat sat on the mat today\t1\n"
               "The cat SAT on the mat, today!\t0\n"                // the same words
               "word\t1\n"                                          // too short
               "one two three four five six seven eight nine\t1\n"  // too long
               "seen in the exam before\t0\n"                       // contaminated
               "a b c d e f g h\t1\n"
               "\t0\n");
  folder_.file("exam.txt", "He said: seen in the exam before, twice.\nShort one.\n");
  const CareOptions care{
      .min_words = 2, .max_words = 8, .evaluation = {folder_ / "exam.txt"}, .n_gram = 4};
  const auto summary = run(source("x"), {.care = care});
  EXPECT_EQ(summary.train, 2);
  std::map<std::string, int> reasons;
  for (const auto& entry : summary.report["sources"][0]["dropped"])
    reasons[entry["what"].get<std::string>()] = entry["count"].get<int>();
  EXPECT_EQ(reasons, (std::map<std::string, int>{{"the same words as an earlier record", 1},
                                                 {"fewer than 2 words", 2},
                                                 {"more than 8 words", 1},
                                                 {"words of an evaluation file", 1}}));
  const auto found = rows("contaminated.jsonl");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0]["place"], (folder_ / "x.tsv").string() + ":6");
  EXPECT_EQ(found[0]["evaluation"], (folder_ / "exam.txt").string() + ":1");
  EXPECT_EQ(found[0]["words"], "seen in the exam");
  EXPECT_EQ(summary.report["contamination"]["shorter_than_n_gram"], 1);
  EXPECT_EQ(summary.report, read_json(out() / "summary.json"));
  auto keep = care;
  keep.keep_contaminated = keep.keep_duplicates = true;
  EXPECT_EQ(run(source("x"), {.care = keep}).train, 4);
  EXPECT_EQ(rows("contaminated.jsonl").size(), 1u);
}

TEST_F(Mix, NearDuplicatesGoByTheRecordNotTheTemplate) {
  std::string text = "text\tlabel\n";
  const std::string base = "a b c d e f g h i j k l m n o p q r s t u v w x y z";
  for (const auto* end : {"one", "two", "three"}) text += base + " " + end + "\t1\n";
  text += "quite another record with other words in it\t0\n";
  folder_.file("x.tsv", text);
  // 22 of 24 different shingles are shared: Jaccard 22 / 24 > 0.9.
  EXPECT_EQ(run(source("x"), {.care = {.near_threshold = 0.9}}).train, 2);
  EXPECT_EQ(run(source("x"), {.care = {.near_threshold = 0.99}}).train, 4);
  EXPECT_EQ(run(source("x")).train, 4);
}

TEST_F(Mix, RowsWithoutTemplatesPassAsTheyAre) {
  folder_.file("p.jsonl", R"({"prompt":"q","completion":"r"}
{"messages":[{"role":"user","content":"u"},{"role":"assistant","content":"v"}],"task":"chat"}
)");
  run("[[source]]\nname = \"plain\"\nfiles = [{path = \"p.jsonl\"}]\n");
  auto got = rows("train.jsonl");
  std::sort(got.begin(), got.end(),
            [](const Json& a, const Json& b) { return a.dump() > b.dump(); });
  EXPECT_EQ(got[0].dump(), R"({"prompt":"q","completion":"r","task":"plain"})");
  EXPECT_EQ(got[1]["task"], "chat");
}

TEST_F(Mix, FieldsAreMadeOfTheRecordAsTheFileHasIt) {
  folder_.file("x.jsonl", R"({"query":"Say it, please","gold":1})");
  run("[[source]]\nname = \"x\"\ntemplates = \"echo.toml\"\nuse = [\"a\"]\nfiles = [{path = "
      "\"x.jsonl\"}]\nfields = {text = \"{{ query.split(',')[0] }}\", label = \"{{ gold }}\"}\n");
  EXPECT_EQ(rows("train.jsonl")[0].dump(),
            R"({"prompt":"A Say it","completion":"\nyes","task":"echo","template":"a"})");
}

TEST_F(Mix, IntegersAreForPromptSource) {
  const auto yaml = shared_path("data/templates_promptsource/snli.yaml");
  if (!yaml) GTEST_SKIP() << "needs ../shared";
  const auto data = *shared_path("data/nlp_tasks/snli_subset_dev.tsv");
  const auto mixture =
      "[[source]]\nname = \"snli\"\ntemplates = \"" + yaml->string() + "\"\nfiles = [{path = \"" +
      data.string() +
      "\"}]\nfields = {premise = \"{{ sentence1 }}\", hypothesis = \"{{ sentence2 }}\", label = "
      "\"{{ {'entailment': 0, 'neutral': 1, 'contradiction': 2}[gold_label] }}\"}\n";
  EXPECT_TRUE(contains(error_of([&] { run(mixture); }), "the templates make nothing of any"));
  const auto summary = run(mixture + "integers = [\"label\"]\n");
  EXPECT_EQ(summary.report["sources"][0]["skipped"].size(), 0u);
  EXPECT_GE(summary.train, 195);
  EXPECT_EQ(rows("train.jsonl")[0]["task"], "snli");
  write_records("x.tsv", "x", 3);
  EXPECT_TRUE(contains(error_of([&] { run(source("x", "integers = [\"text\"]\n")); }),
                       "x.tsv:2: \"text\" must be a whole number, got \"x number 0\""));
}

TEST_F(Mix, RefusesMixturesInOneLine) {
  write_records("x.tsv", "x", 3);
  folder_.file("bad.tsv", "text\tlabel\nx\t7\n");
  const auto expect = [&](const std::string& mixture, const std::string& part) {
    const auto message = error_of([&] { run(mixture); });
    EXPECT_TRUE(contains(message, part)) << message;
  };
  expect("a = 1\n", "mix.toml:1: unknown key \"a\"");
  expect("source = []\n", "has no [[source]]");
  expect("[[source]]\nname = \"x\"\n", "source \"x\" has no files");
  expect("[[source]]\nname = \"x\"\nfiles = [{pat = \"x\"}]\n", "mix.toml:3: unknown key \"pat\"");
  expect(source("x") + source("x"), "two sources are called \"x\"");
  expect(source("x", "weight = 1\n") + source("bad"), "1 of 2 sources have a \"weight\"");
  expect(source("x", "weight = -1\n"), "mix.toml:5: a weight must be 0 or more, got -1");
  expect(source("x", "use = [\"d\"]\n"), "no template is called \"d\"");
  expect(source("none"), "none.tsv: cannot open");
  expect(source("bad"), "bad.tsv:2: unknown choice \"7\" in \"label\"");
  expect(source("x", "fields = {text = \"{{ txt }}\"}\n"),
         "x.tsv:2: the record has no field \"txt\"");
  expect(source("x", "fields = {text = \"{{ text\"}\n"), "mix.toml:5: field text:1: ");
  expect("[[source]]\nname = \"x\"\nuse = [\"a\"]\nfiles = [{path = \"x.tsv\"}]\n",
         "has no \"templates\" to use");
  EXPECT_TRUE(contains(error_of([&] { run(source("x"), {.care = {.held_out = 1.0}}); }),
                       "held_out must be at least 0 and below 1, got 1"));
  EXPECT_TRUE(contains(error_of([&] { run(source("x"), {.care = {.min_words = 50}}); }),
                       "no record is left to train on"));
  EXPECT_TRUE(contains(error_of([] { mix_layout("chat"); }), "layout \"chat\" is not one of"));
}

/// The sets of shared/data/nlp_tasks through the shipped templates.
TEST_F(Mix, TurnsTheSharedDataSetsIntoInstructions) {
  const auto data = shared_path("data/nlp_tasks");
  if (!data) GTEST_SKIP() << "needs ../shared";
  const auto templates = std::filesystem::path(HONE_SOURCE_DIR) / "data" / "templates";
  const auto source_of = [&](const std::string& name, const std::string& task,
                             const std::string& rest) {
    return "[[source]]\nname = \"" + name + "\"\ntemplates = \"" +
           (templates / (task + ".toml")).string() + "\"\n" + rest;
  };
  const auto at = [&](const char* name) { return "path = \"" + (*data / name).string() + "\""; };
  const auto mixture =
      source_of("reviews", "sentiment",
                "files = [{" + at("rt_polarity_pos_first1000.txt") +
                    ", set = {label = \"positive\"}}, {" + at("rt_polarity_neg_first1000.txt") +
                    ", set = {label = \"negative\"}}]\n") +
      source_of("yelp", "sentiment",
                "files = [{" + at("uci_yelp_labelled.txt") +
                    ", format = \"tsv\", columns = [\"text\", \"label\"], quotes = false}]\n") +
      source_of("snli", "entailment",
                "files = [{" + at("snli_subset_train.tsv") +
                    "}]\nfields = {premise = \"{{ sentence1 }}\", hypothesis = \"{{ sentence2 "
                    "}}\", label = \"{{ gold_label }}\"}\n") +
      source_of("boolq", "yes_no_question",
                "files = [{" + at("boolq_first1000.jsonl") +
                    "}]\n[source.fields]\npassage = '{{ query.split(\"\\nQuestion: \")[0][9:] "
                    "}}'\nquestion = '{{ query.split(\"\\nQuestion: \")[1] }}'\nlabel = '{{ gold "
                    "}}'\n") +
      source_of("copa", "cause_or_effect",
                "files = [{" + at("copa.jsonl") +
                    "}]\n[source.fields]\npremise = '{{ query.rsplit(\", \", 1)[0] }}.'\nrelation "
                    "= '{{ \"cause\" if query.endswith(\"because\") else \"effect\" }}'\nlabel = "
                    "'{{ gold }}'\n") +
      source_of(
          "banking", "intent",
          "files = [{" + at("banking77_test.csv") + "}]\nfields = {label = \"{{ category }}\"}\n");
  const auto summary = run(mixture, {.care = {.unseen = {"copa"}}, .cap = 1000});
  std::int64_t read = 0;
  for (const auto& source : summary.report["sources"]) {
    read += source["read"].get<std::int64_t>();
    EXPECT_EQ(source["skipped"].size(), 0u) << source;
  }
  EXPECT_EQ(read, 2000 + 1000 + 1666 + 1000 + 100 + 3080);  // as its README counts them
  EXPECT_EQ(summary.unseen, 100);
  EXPECT_GT(summary.train, 4900);
  EXPECT_LE(summary.train, 5000);
  EXPECT_EQ(read_records(out() / "train.jsonl").size(), static_cast<std::size_t>(summary.train));
}

}  // namespace
}  // namespace hone::testing
