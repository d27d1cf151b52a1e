// Files of templates, mixtures and tables cut short or with a byte exchanged: read, or refused by
// an Error in one line that names the file.
#include <functional>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <hone/data/labelled.h>
#include <hone/data/mixture_file.h>
#include <hone/data/task.h>

#include "base/error_of.h"
#include "base/temporary_folder.h"

namespace hone::testing {
namespace {

constexpr const char* kToml = R"(task = "t"
fields = ["a", "b"]
label = "l"
labels = ["no", "yes"]
[[template]]
name = "n"
prompt = """
{% for c in choices %}{{ c | upper }}{% endfor %} {{ a[1:] }}"""
completion = '{{ answer }}'
choices = ["N", "Y"]
)";

constexpr const char* kYaml = R"(dataset: d
subset: s
templates:
  1: !Template
    answer_choices: no ||| yes
    jinja: "{{ a }}\n|||\n{{ answer_choices[l] }}"
    name: &x one
    reference: 'it''s'
  2: !Template
    jinja: >-
      {{ b }} ||| c
    name: two
)";

constexpr const char* kMixture = R"([[source]]
name = "x"
templates = "t.toml"
files = [{path = "x.csv", set = {l = 1}}, {path = "y.tsv", columns = ["a"], quotes = false}]
fields = {a = "{{ b }}"}
weight = 1.5
)";

constexpr const char* kTable = "a,b\n\"1,\"\"2\"\"\n\",x\r\n3,\"\"\n";

/// Writes each damaged form of `text` as `name` and calls `read` with it. Gives how many of them
/// were refused.
std::size_t try_all(const std::string& text,
                    const std::string& name,
                    const std::function<void(const std::filesystem::path&)>& read) {
  const TemporaryFolder folder;
  folder.file("t.toml", kToml);
  std::size_t refused = 0;
  const auto attempt = [&](const std::string& damaged) {
    const auto path = folder.file(name, damaged);
    const auto message = error_of([&] { read(path); });
    if (message.empty()) return;
    ++refused;
    EXPECT_TRUE(contains(message, folder.path().string())) << message;
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    attempt(text.substr(0, i));
    for (const char byte : {'\0', '\n', '"', '\'', '[', ':', '{', '\xff', '!', '*'}) {
      auto damaged = text;
      damaged[i] = byte;
      attempt(damaged);
    }
    attempt(text.substr(0, i) + text.substr(i + 1));
  }
  return refused;
}

TEST(DamagedFiles, AreReadOrRefusedInOneLine) {
  const auto as_task = [](const std::filesystem::path& path) { read_task(path); };
  const auto as_mixture = [](const std::filesystem::path& path) { read_mixture(path); };
  const auto as_table = [](const std::filesystem::path& path) {
    for_each_labelled({.path = path}, [](const Json&, const std::string&) {});
  };
  EXPECT_GT(try_all(kToml, "d.toml", as_task), 500u);
  EXPECT_GT(try_all(kYaml, "d.yaml", as_task), 300u);
  EXPECT_GT(try_all(kMixture, "m.toml", as_mixture), 500u);
  EXPECT_GT(try_all(kTable, "d.csv", as_table), 40u);
}

TEST(DamagedFiles, MayBeNestedDeeply) {
  const TemporaryFolder folder;
  const std::string open(20000, '[');
  EXPECT_FALSE(error_of([&] { read_task(folder.file("d.toml", "task = " + open)); }).empty());
  EXPECT_FALSE(error_of([&] { read_task(folder.file("d.yaml", "dataset: " + open)); }).empty());
  EXPECT_FALSE(
      error_of([&] { read_task(folder.file("e.yaml", std::string(20000, '-'))); }).empty());
}

}  // namespace
}  // namespace hone::testing
