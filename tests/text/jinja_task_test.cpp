// The environment of task templates. Expected texts are what jinja2 3.1 renders with its default
// settings (and zip, choice and most_frequent added as PromptSource adds them).
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <hone/text/jinja.h>
#include <hone/text/jinja_json.h>

#include "base/error_of.h"

namespace hone::testing {
namespace {

using jinja::Environment;
using jinja::Template;

std::string render(const std::string& source, const std::string& fields = "{}", int seed = 0) {
  std::vector<std::pair<std::string, jinja::Value>> inputs;
  const auto json = Json::parse(fields);
  for (const auto& [name, value] : json.items())
    inputs.emplace_back(name, jinja::from_json(value, jinja::kInputTag));
  return Template(source, "t", Environment::kTask)
      .render(inputs, 0, {}, static_cast<std::uint64_t>(seed))
      .text.bytes();
}

TEST(JinjaTask, KeepsWhiteSpaceAroundBlocks) {
  EXPECT_EQ(render("a\n  {% if 1 %}\n  b\n{% endif %}\n{# c #}\nd\n"), "a\n  \n  b\n\n\nd");
  EXPECT_EQ(render("a\n  {%- if 1 -%}\n  b\n{%- endif +%}\nd"), "ab\nd");
  EXPECT_EQ(render(" {% raw %}\n{{ x }}{% endraw %}\n."), " \n{{ x }}\n.");
  EXPECT_EQ(Template("  {% if 1 %}\nb{% endif %}\n", "t").render({}).text.bytes(), "b");
}

TEST(JinjaTask, ZipEndsWithTheShortest) {
  EXPECT_EQ(render("{% for a, b in zip(x, 'abc') %}{{ a }}{{ b }};{% endfor %}", R"({"x":[1,2]})"),
            "1a;2b;");
  EXPECT_EQ(render("{{ zip() | list }}{{ zip([1]) | list }}"), "[][(1,)]");
  EXPECT_EQ(render("{{ zip([1, 2], [], [3]) | list }}"), "[]");
}

TEST(JinjaTask, MostFrequentKeepsTheOrderOfFirstMention) {
  EXPECT_EQ(render("{{ ['b', 'a', 'c', 'a', 'b'] | most_frequent }}"), "['b', 'a']");
  EXPECT_EQ(render("{{ [] | most_frequent }} {{ [1, 1.0, true] | most_frequent }}"), "None [1]");
}

TEST(JinjaTask, ChoiceDrawsBySeed) {
  std::map<std::string, int> drawn;
  for (int seed = 0; seed < 400; ++seed) ++drawn[render("{{ 'abcd' | choice }}", "{}", seed)];
  EXPECT_EQ(drawn.size(), 4u);
  // 100 each; five standard deviations are 43.
  for (const auto& [text, count] : drawn) EXPECT_NEAR(count, 100, 43) << text;
  const std::string two = "{{ range(1000) | choice }} {{ range(1000) | choice }}";
  EXPECT_EQ(render(two, "{}", 9), render(two, "{}", 9));
  EXPECT_EQ(error_of([] { render("{{ [] | choice }}"); }),
            "t:1: choice: there is nothing to choose from");
}

TEST(JinjaTask, NamesOfOneEnvironmentAreUnknownToTheOther) {
  EXPECT_TRUE(contains(error_of([] { Template("{{ x | choice }}"); }),
                       "no filter named \"choice\" is supported"));
  EXPECT_TRUE(contains(error_of([] { Template("{{ zip() }}").render({}); }), "'zip' is undefined"));
  EXPECT_TRUE(contains(error_of([] { render("{{ raise_exception('x') }}"); }),
                       "'raise_exception' is undefined"));
  EXPECT_EQ(render("{{ 'choice' is filter }}"), "True");
}

TEST(JinjaTask, InputsAreTheNamesThatTheTemplateTakes) {
  const auto inputs = [](const std::string& source) {
    return Template(source, "t", Environment::kTask).inputs();
  };
  using Names = std::vector<std::string>;
  EXPECT_EQ(inputs("{{ b }}{{ a.c[d] | trim if b else zip(e) }}"), (Names{"b", "a", "d", "e"}));
  EXPECT_EQ(inputs("{% set s = x %}{% for i, j in y if i > z %}{{ s ~ i ~ j ~ loop.index }}"
                   "{% endfor %}{{ range(n) }}"),
            (Names{"x", "y", "z", "n"}));
  EXPECT_EQ(inputs("{% macro m(p, q=r) %}{{ p ~ q ~ kwargs }}{% endmacro %}{{ m(u, q=v) }}"),
            (Names{"r", "u", "v"}));
  EXPECT_EQ(inputs("{% with a = b %}{{ a }}{% endwith %}{% set n = namespace(c=d) %}"
                   "{% set n.c = e %}{{ f is defined }}"),
            (Names{"b", "d", "e", "f"}));
  EXPECT_TRUE(inputs("plain").empty());
}

}  // namespace
}  // namespace hone::testing
