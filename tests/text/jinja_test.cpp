// The Jinja interpreter against what Jinja2 made of the same templates, its bounds, and where
// characters come from.
#include <array>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <hone/base/error.h>
#include <hone/base/json_io.h>
#include <hone/text/jinja.h>
#include <hone/text/jinja_json.h>

#include "base/error_of.h"
#include "shared_data.h"

namespace hone::jinja {
namespace {

using Inputs = std::vector<std::pair<std::string, Value>>;

const Json& fixtures() {
  static const Json json = read_json(testing::fixture_path("text/templates.json"));
  return json;
}

Inputs inputs_of(const Json& json) {
  Inputs inputs;
  for (const auto& [name, value] : json.items())
    inputs.emplace_back(name, from_json(value, kInputTag));
  return inputs;
}

std::string render(const std::string& source, const Inputs& inputs = {}) {
  return Template(source, "t").render(inputs).text.bytes();
}

/// What the template is refused with, or "accepted: ..." with its text.
std::string refusal(const std::string& source, const Inputs& inputs = {}) {
  try {
    return "accepted: " + render(source, inputs).substr(0, 200);
  } catch (const Error& error) {
    return error.what();
  }
}

/// One letter per byte: '.' from the template, '?' from other input, 'a' from message 0, 'b' from
/// message 1 ...
std::string origins(const Text& text) {
  std::string letters;
  text.for_each_run([&](std::size_t begin, std::size_t end, Tag tag) {
    const auto source = source_of(tag);
    letters.append(end - begin, source == 0  ? '.'
                                : source < 0 ? '?'
                                             : static_cast<char>('a' + source - 1));
  });
  return letters;
}

std::string origins(const std::string& source) {
  const Inputs inputs = {
      {"u", Value::text("user", message_tag(0))},
      {"v", Value::text(" Vé ", message_tag(1))},
      {"j", from_json(Json::parse(R"({"k": ["x", 12, null], "n": 1})"), message_tag(0))},
      {"o", Value::text("out", kInputTag)}};
  const Text text = Template(source, "t").render(inputs).text;
  return text.bytes() + "\n" + origins(text);
}

TEST(Jinja, RendersRandomSnippetsAsJinja2Does) {
  const Inputs inputs = inputs_of(fixtures()["snippet_inputs"]);
  ASSERT_GE(fixtures()["snippets"].size(), 500u);
  for (const Json& row : fixtures()["snippets"]) {
    const std::string source = row[0];
    if (row[1].is_null()) {
      EXPECT_THROW(render(source, inputs), Error) << source;
    } else {
      EXPECT_EQ(refusal(source, inputs), "accepted: " + row[1].get<std::string>().substr(0, 200))
          << source;
      EXPECT_EQ(render(source, inputs), row[1].get<std::string>()) << source;
    }
  }
}

TEST(Jinja, EveryPrefixOfATemplateCompilesOrIsRefused) {
  std::size_t compiled = 0;
  std::size_t refused = 0;
  for (const auto& [name, own] : fixtures()["own"].items()) {
    const std::string source = own["source"];
    for (std::size_t length = 0; length <= source.size(); ++length) {
      try {
        const Template parsed(source.substr(0, length), "t");
        ++compiled;
      } catch (const Error&) {
        ++refused;
      }
    }
  }
  EXPECT_GT(compiled, 100u);
  EXPECT_GT(refused, 1000u);
}

TEST(Jinja, EveryFlippedByteOfATemplateRendersOrIsRefused) {
  const Json& messages = fixtures()["conversations"]["system"];
  const Inputs inputs = {{"messages", from_json(messages, kInputTag)},
                         {"bos_token", Value::text("<s>")}};
  for (const auto& [name, own] : fixtures()["own"].items()) {
    std::string source = own["source"];
    for (std::size_t at = 0; at < source.size(); at += 3) {
      for (const char changed : {'{', '%', '\'', ')', '\xff', '\0'}) {
        const char old = std::exchange(source[at], changed);
        refusal(source, inputs);
        source[at] = old;
      }
    }
  }
}

TEST(Jinja, NamesTheLineOfAnError) {
  EXPECT_EQ(refusal("a\nb\n{{ x.y }}"), "t:3: 'x' is undefined");
  EXPECT_EQ(refusal("a\n{{ raise_exception('no turns') }}"), "t:2: no turns");
  EXPECT_EQ(refusal("\n\n{% if %}"), "t:3: expected an expression, got \"%}\"");
  EXPECT_EQ(refusal("{% for x in [1] %}\n\n{{ x|no_such }}{% endfor %}"),
            "t:3: no filter named \"no_such\" is supported");
  EXPECT_EQ(refusal("{% include 'x' %}"),
            "t:1: the tag \"include\" is unknown, misplaced or not supported");
  EXPECT_EQ(refusal("{% for x in y %}\n"), "t:1: the template ends where \"endfor\" is missing");
}

TEST(Jinja, RefusesWhatPythonRefuses) {
  for (const char* source : {"{{ 'a' + none }}",
                             "{{ 'a' + 1 }}",
                             "{{ 'a' + missing }}",
                             "{{ missing.a.b }}",
                             "{{ [].append(1) }}",
                             "{{ none[1:] }}",
                             "{{ 1 < 'a' }}",
                             "{{ 1 // 0 }}",
                             "{{ {[]: 1} }}",
                             "{{ missing() }}",
                             "{{ 'x'() }}",
                             "{{ 'a' in 1 }}",
                             "{% for a, b in [1] %}{% endfor %}",
                             "{{ 'x'|tojson(nope=1) }}",
                             "{{ [missing]|tojson }}",
                             "{% set a.b = 1 %}",
                             "{{ namespace(_x=1) }}",
                             "{% break %}",
                             "{{ ''.__class__.x }}",
                             "{% for x in [1] %}{% set loop = 1 %}{% endfor %}"}) {
    EXPECT_EQ(refusal(source).substr(0, 2), "t:") << source << " " << refusal(source);
  }
}

TEST(Jinja, ErrorsAreOneLineWhateverTheyQuote) {
  EXPECT_EQ(
      testing::error_of([] { jinja::Template("{{ '%8\r\n2f' % 3 }}", "t").render({}); }).find('\n'),
      std::string::npos);
  EXPECT_EQ(std::string(Error("a\nb\x1b[0m").what()), "a\\nb\\x1b[0m");
}

TEST(Jinja, RefusesARangeThatIsTooLong) {
  const auto started = std::chrono::steady_clock::now();
  EXPECT_EQ(refusal("{% for i in range(1000000) %}x{% endfor %}"),
            "t:1: range too big: a template may ask for at most 100000 items");
  EXPECT_LT(std::chrono::steady_clock::now() - started, std::chrono::seconds(1));
  EXPECT_EQ(render("{{ range(100000)|length }}"), "100000");
}

TEST(Jinja, BoundsStepsTextAndDepth) {
  const Limits small{.steps = 200'000, .output_bytes = 1 << 20, .memory_bytes = 8 << 20};
  const auto bounded = [&](const std::string& source) {
    try {
      Template(source, "t").render({}, 0, small);
      return std::string("accepted");
    } catch (const Error& error) {
      return std::string(error.what());
    }
  };
  const std::string loop = "{% for a in range(90000) %}";
  EXPECT_EQ(bounded(loop + loop + "{% endfor %}{% endfor %}"),
            "t:1: the template takes more than 200000 steps");
  EXPECT_EQ(bounded("{% for a in range(999) %}{{ 'x' * 3000 }}{% endfor %}"),
            "t:1: the rendered text is longer than 1 MiB");
  EXPECT_EQ(bounded("{{ ('x' * 9999999)|length }}"),
            "t:1: the template makes more than 8 MiB of text");
  EXPECT_EQ(bounded("{{ '%999999999s' % 1 }}"),
            "t:1: a width or position in a format is too large");
  EXPECT_EQ(bounded("{% set ns = namespace(x=[1]) %}{% for i in range(50) %}{% set ns.x = ns.x + "
                    "ns.x %}{% endfor %}"),
            "t:1: the template takes more than 200000 steps");
  EXPECT_EQ(bounded("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}"),
            "t:1: the template nests or recurses too deeply");
  EXPECT_EQ(bounded("{% set ns = namespace(x=[]) %}{% for i in range(9999) %}{% set ns.x = [ns.x] "
                    "%}{% endfor %}"),
            "t:1: values are nested more than 400 deep");
  EXPECT_EQ(bounded("{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}"),
            "t:1: the template nests or recurses too deeply");
  // Equal halves shared on the way up must not be compared apart: that would take 2^60 steps.
  EXPECT_EQ(
      bounded(
          "{% set a = namespace(x=[1], y=[1]) %}{% for i in range(60) %}{% set a.x = [a.x, a.x] %}"
          "{% set a.y = [a.y, a.y] %}{% endfor %}{{ a.x == a.y }}"),
      "t:1: the template takes more than 200000 steps");
}

TEST(Jinja, RefusesSourcesThatNestTooDeeply) {
  const auto repeated = [](const std::string& text, int count) {
    std::string all;
    for (int i = 0; i < count; ++i) all += text;
    return all;
  };
  for (const int count : {50, 5000, 20000}) {
    for (const auto& [open, inside, close] :
         std::vector<std::array<std::string, 3>>{{"(", "1", ")"},
                                                 {"[", "", "]"},
                                                 {"{1:", "1", "}"},
                                                 {"not ", "1", ""},
                                                 {"-", "1", ""},
                                                 {"", "x", ".a"},
                                                 {"", "1", "|string"},
                                                 {"", "1", " + 1"},
                                                 {"1 if ", "1", " else 1"},
                                                 {"", "x", "[0]"},
                                                 {"f(", "", ")"}}) {
      const std::string source =
          "{{ " + repeated(open, count) + inside + repeated(close, count) + " }}";
      const std::string result = refusal(source);
      if (count > 1000) {
        EXPECT_NE(result.find("deep"), std::string::npos) << open << close << " " << result;
      }
    }
    const std::string blocks = repeated("{% if 1 %}", count) + "x" + repeated("{% endif %}", count);
    if (count > 1000) {
      EXPECT_NE(refusal(blocks).find("deep"), std::string::npos);
    } else {
      EXPECT_EQ(refusal(blocks), "accepted: x");
    }
  }
}

TEST(Jinja, LetsGoOfValuesThatContainThemselves) {
  // Checked by the leak detector of the sanitizer build.
  EXPECT_EQ(render("{% set ns = namespace(a=1) %}{% set ns.me = ns %}{{ ns.me.me.a }}"), "1");
  EXPECT_EQ(render("{% set ns = namespace() %}{% for x in [1] %}{% set ns.l = loop %}{{ "
                   "loop.changed(ns) }}{{ loop.changed(loop) }}"
                   "{% endfor %}{{ ns.l.changed(ns.l) }}"),
            "TrueTrueFalse");
  EXPECT_EQ(render("{% set ns = namespace(c=0) %}{% for i in range(30000) %}{% set ns.c = "
                   "namespace(b=i) %}{% set o = ns.c %}"
                   "{% set o.up = ns %}{% endfor %}{{ ns.c.b }}"),
            "29999");
}

TEST(Jinja, CopesWithGlibcsTimeExtensions) {
  const auto at = [](const std::string& source) {
    return Template(source, "t").render({}, 1'700'000'000).text.bytes();
  };
  EXPECT_EQ(at("{{ strftime_now('%Y-%m-%d %H:%M:%S %d %b %Y %j %%') }}"),
            "2023-11-14 22:13:20 14 Nov 2023 318 %");
  EXPECT_EQ(refusal("{{ strftime_now('%999999999Y') }}"),
            "t:1: strftime_now: the directive %9 is not supported");
}

TEST(JinjaOrigins, SurviveEveryOperation) {
  EXPECT_EQ(origins("<{{ u }}>"), "<user>\n.aaaa.");
  EXPECT_EQ(origins("{{ 'a' + u + v ~ 1 }}"), "auser Vé 1\n.aaaabbbbb.");
  EXPECT_EQ(origins("{{ (u ~ '-' ~ v)[2:7] }}"), "er- V\naa.bb");
  EXPECT_EQ(origins("{{ (u ~ v)[::-1] }}"), " éV resu\nbbbbbaaaa");
  EXPECT_EQ(origins("{{ v|trim }}{{ v.strip() }}"), "VéVé\nbbbbbb");
  EXPECT_EQ(origins("{{ ('x,' ~ u ~ ',y').split(',')|join('+') }}"), "x+user+y\n..aaaa..");
  EXPECT_EQ(origins("{{ u.replace('s', 'SS') }}{{ u|replace('s', v) }}"),
            "uSSeru Vé er\na..aaabbbbbaa");
  EXPECT_EQ(origins("{{ (u ~ '-b')|upper }}{{ v.lower() }}{{ u.title() }}"),
            "USER-B vé User\naaaa..bbbbbaaaa");
  EXPECT_EQ(origins("{{ [u, 'x', v]|join(', ') }}"), "user, x,  Vé \naaaa.....bbbbb");
  EXPECT_EQ(origins("{{ '%s=%s' % (u, 1) }}{{ '{}!'.format(u) }}"), "user=1user!\naaaa..aaaa.");
  EXPECT_EQ(origins("{% macro m(t) %}[{{ t }}]{% endmacro %}{{ m(u) }}{% set x %}({{ u }}){% "
                    "endset %}{{ x }}"),
            "[user](user)\n.aaaa..aaaa.");
  EXPECT_EQ(origins("{% filter upper %}a{{ u }}{% endfilter %}{{ (u ~ '\\nq')|indent(1) }}"),
            "AUSERuser\n q\n.aaaaaaaa...");
  EXPECT_EQ(origins("{{ u|tojson }}{{ {'t': u}|tojson }}"),
            "\"user\"{\"t\": \"user\"}\naaaaaa......aaaaaa.");
  EXPECT_EQ(origins("{{ j|tojson }}"), R"({"k": ["x", 12, null], "n": 1})"
                                       "\n" +
                                           std::string(30, 'a'));
  EXPECT_EQ(origins("{{ j }}{{ j.n }}"),
            "{'k': ['x', 12, None], 'n': 1}1\n" + std::string(31, 'a'));
  EXPECT_EQ(origins("{{ j.n + 1 }}{{ o }}{% for c in u %}{{ c }}.{% endfor %}"),
            "2outu.s.e.r.\n.???a.a.a.a.");
  EXPECT_EQ(
      origins(
          "{% for k, x in j.items() %}{{ k }}{% endfor %}{{ u[0] }}{{ u|first }}{{ u|list|last }}"),
      "knuur\naaaaa");
}

TEST(JinjaOrigins, GenerationBlocksAreMarked) {
  const auto text = Template("a{% generation %}b{{ u }}{% endgeneration %}c", "t")
                        .render({{"u", Value::text("U", message_tag(0))}})
                        .text;
  std::string marks;
  text.for_each_run([&](std::size_t begin, std::size_t end, Tag tag) {
    marks.append(end - begin, is_generated(tag) ? 'g' : '.');
  });
  EXPECT_EQ(text.bytes() + marks, "abUc.gg.");
  EXPECT_EQ(origins(text), "..a.");
}

}  // namespace
}  // namespace hone::jinja
