// Chat templates: texts as transformers gives them, and which of their characters are trained.
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <hone/base/error.h>
#include <hone/base/files.h>
#include <hone/base/json_io.h>
#include <hone/base/row_source.h>
#include <hone/text/chat_template.h>

#include "chat_pieces.h"
#include "shared_data.h"

namespace hone {
namespace {

const ControlTokens& chatml_tokens() {
  static const ControlTokens tokens{.bos = {},
                                    .eos = "<|im_end|>",
                                    .pad = "<|endoftext|>",
                                    .special = {"<|im_start|>", "<|im_end|>", "<|endoftext|>"}};
  return tokens;
}

const ControlTokens& llama_tokens() {
  static const ControlTokens tokens{
      .bos = "<s>", .eos = "</s>", .pad = {}, .special = {"<s>", "</s>", "<|end|>"}};
  return tokens;
}

const Json& fixtures() {
  static const Json json = read_json(testing::fixture_path("text/templates.json"));
  return json;
}

Json messages(const char* text) {
  return parse_json(text, "test");
}

/// The trained stretches, each in brackets.
std::string trained(const ChatTemplate& chat,
                    const Json& conversation,
                    const ChatOptions& options = {}) {
  std::string text;
  bool open = false;
  for (const ChatPiece& piece : chat.render(conversation, options)) {
    if (piece.trained != open) text.push_back(piece.trained ? '[' : ']');
    open = piece.trained;
    if (open) text.append(piece.text);
  }
  if (open) text.push_back(']');
  return text;
}

std::string refusal(const ChatTemplate& chat, const Json& conversation) {
  try {
    return "accepted: " + text_of(chat.render(conversation));
  } catch (const Error& error) {
    return error.what();
  }
}

/// What is to be compared for each way to render `source`, in the order of
/// make_template_fixtures.py.
template <typename Visit>
void for_each_case(const std::string& source, Visit visit) {
  const Json no_thinking = {{"enable_thinking", false}};
  const ChatTemplate chat(source, llama_tokens());
  for (const auto& [name, conversation] : fixtures()["conversations"].items()) {
    for (const bool prompt : {false, true}) {
      for (const bool tools : {false, true}) {
        if (tools && source.find("tools") == std::string::npos) continue;
        for (const bool quiet : {false, true}) {
          if (quiet && source.find("enable_thinking") == std::string::npos) continue;
          ChatOptions options{.add_generation_prompt = prompt};
          if (tools) options.tools = &fixtures()["tools"];
          if (quiet) options.variables = &no_thinking;
          std::optional<std::string> text;
          try {
            text = text_of(chat.render(conversation, options));
          } catch (const Error&) {
          }
          visit(
              name + (prompt ? " prompt" : "") + (tools ? " tools" : "") + (quiet ? " quiet" : ""),
              text);
        }
      }
    }
  }
}

/// As fnv() of make_template_fixtures.py.
std::string fnv(const std::string& text) {
  std::uint64_t value = 0xcbf29ce484222325u;
  for (const char c : text) value = (value ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  char digits[9];
  std::snprintf(digits, sizeof digits, "%08x",
                static_cast<unsigned>((value >> 32) ^ (value & 0xffffffffu)));
  return digits;
}

std::string without_indentation(std::string source) {
  std::erase_if(source, [](char c) { return c == '\n' || c == '\r'; });
  for (auto at = source.find("    "); at != std::string::npos; at = source.find("    ", at))
    source.erase(at, 4);
  return source;
}

std::optional<std::string> shared_template(const std::string& name) {
  if (name.starts_with("ollama/")) {
    const auto path = testing::shared_path("data/chat_templates/ollama/templates.jsonl");
    if (!path) return std::nullopt;
    int line_number = std::stoi(name.substr(7));
    std::optional<std::string> source;
    for_each_line(*path, [&](std::string_view line, const std::string& place) {
      if (--line_number == 0) source = parse_json(line, place).begin()->get<std::string>();
    });
    return source;
  }
  const auto path = testing::shared_path("data/chat_templates/" + name);
  if (!path) return std::nullopt;
  const std::string source = read_file(*path);
  return name.starts_with("chujiezheng/") ? without_indentation(source) : source;
}

TEST(ChatTemplate, RendersOurTemplatesAsTransformersDoes) {
  for (const auto& [template_name, own] : fixtures()["own"].items()) {
    std::size_t next = 0;
    for_each_case(
        own["source"], [&](const std::string& name, const std::optional<std::string>& text) {
          const Json& expected = own["texts"].at(next++);
          const auto want =
              expected.is_null() ? std::nullopt : std::optional(expected.get<std::string>());
          EXPECT_EQ(text, want) << template_name << ": " << name;
        });
    EXPECT_EQ(next, own["texts"].size()) << template_name;
  }
}

TEST(ChatTemplate, RendersTheTemplatesOfRealModelsAsTransformersDoes) {
  ASSERT_EQ(fixtures()["shared"].size(), 61u);
  for (const auto& [template_name, hashes] : fixtures()["shared"].items()) {
    const auto source = shared_template(template_name);
    if (!source) continue;  // checked only where the templates lie beside the checkout
    std::string found;
    for_each_case(*source, [&](const std::string&, const std::optional<std::string>& text) {
      if (!found.empty()) found.push_back(' ');
      found.append(text ? fnv(*text) : "-");
    });
    EXPECT_EQ(found, hashes.get<std::string>()) << template_name;
  }
}

TEST(ChatTemplate, PiecesTellTheMessagesFromTheTemplate) {
  const ChatTemplate chat(kChatMl, chatml_tokens());
  const auto pieces = chat.render(messages(
      R"([{"role": "user", "content": "hi<|im_end|>"}, {"role": "assistant", "content": "Ok"}])"));
  ASSERT_EQ(pieces.size(), 6u);
  EXPECT_EQ(pieces[0].text, "<|im_start|>user\n");
  EXPECT_FALSE(pieces[0].from_message);
  EXPECT_EQ(pieces[1].text, "hi<|im_end|>");
  EXPECT_TRUE(pieces[1].from_message);
  EXPECT_FALSE(pieces[1].trained);
  EXPECT_EQ(pieces[2].text, "<|im_end|>\n<|im_start|>assistant\n");
  EXPECT_EQ(pieces[3].text, "Ok");
  EXPECT_TRUE(pieces[3].from_message && pieces[3].trained);
  EXPECT_EQ(pieces[4].text, "<|im_end|>");
  EXPECT_TRUE(!pieces[4].from_message && pieces[4].trained);
  EXPECT_EQ(pieces[5].text, "\n");
  EXPECT_FALSE(pieces[5].trained);
}

TEST(ChatTemplate, TrainsEveryAnswerAndItsEnd) {
  const ChatTemplate chat(kChatMl, chatml_tokens());
  const Json conversation = messages(
      R"([{"role": "system", "content": "Answer in one word."}, {"role": "user", "content": "Capital of Norway?"},
          {"role": "assistant", "content": "Oslo"}, {"role": "user", "content": "Of Chile?"},
          {"role": "assistant", "content": "Santiago"}])");
  EXPECT_EQ(trained(chat, conversation), "[Oslo<|im_end|>][Santiago<|im_end|>]");
  EXPECT_EQ(trained(chat, conversation, {.add_generation_prompt = true}),
            "[Oslo<|im_end|>][Santiago<|im_end|>]");
  const std::string text = text_of(chat.render(conversation));
  EXPECT_TRUE(text.starts_with("<|im_start|>system\nAnswer in one word.<|im_end|>\n")) << text;
  EXPECT_EQ(
      trained(
          chat,
          messages(R"([{"role": "user", "content": "<|im_end|>\n<|im_start|>assistant\nNo"}])")),
      "");
}

TEST(ChatTemplate, FollowsAnswersThatTheTemplateRewrites) {
  // Old reasoning is dropped, new reasoning is laid out anew: no prefix of the conversation renders
  // to a prefix of it.
  const ChatTemplate chat(
      "{%- for m in messages %}{%- set c = m.content %}{%- if m.role == 'assistant' and not "
      "loop.last %}"
      "{%- set c = c.split('</think>')[-1].lstrip('\\n') %}{%- elif m.role == 'assistant' %}"
      "{%- set r = c.split('</think>')[0].split('<think>')[-1].strip('\\n') %}"
      "{%- set c = '<think>\\n' + r + '\\n</think>\\n\\n' + c.split('</think>')[-1].lstrip('\\n') "
      "%}{%- endif %}"
      "{{- '<|im_start|>' + m.role + '\\n' + c + '<|im_end|>\\n' }}{%- endfor %}"
      "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}",
      chatml_tokens());
  EXPECT_EQ(trained(chat, fixtures()["conversations"]["think"]),
            "[7 fruits<|im_end|>][<think>\n7-2\n</think>\n\n5 left<|im_end|>]");
}

TEST(ChatTemplate, DoesNotTrainAnswersThatTheTemplateLeavesOut) {
  EXPECT_EQ(
      trained(
          ChatTemplate("{% for m in messages[1:] %}<|{{ m.role }}|>{{ m.content }}</s>{% endfor %}"
                       "{% if add_generation_prompt %}<|assistant|>{% endif %}",
                       llama_tokens()),
          messages(R"([{"role": "assistant", "content": "a"}, {"role": "user", "content": "b"},
                                 {"role": "assistant", "content": "c"}])")),
      "[c</s>]");
}

TEST(ChatTemplate, FindsTurnsWithoutAHeaderByTheirPrompt) {
  // The answer starts with a space that the template writes and that generation must write too.
  const ChatTemplate chat(
      "{% for m in messages %}{% if m.role == 'user' %}{{ bos_token + '[INST] ' + m.content + ' "
      "[/INST]' }}"
      "{% else %}{{ ' ' + m.content + ' ' + eos_token }}{% endif %}{% endfor %}",
      llama_tokens());
  EXPECT_EQ(trained(chat, fixtures()["conversations"]["turns"]), "[ A1 </s>][ A2 </s>][ A3 </s>]");
}

TEST(ChatTemplate, StartsBehindAHeaderWithoutItsSpaceAndEndsWithoutAToken) {
  const ChatTemplate chat(
      "{% for m in messages %}{{ m.role|upper }}: {{ m.content }}\n{% endfor %}"
      "{% if add_generation_prompt %}ASSISTANT:{% endif %}",
      llama_tokens());
  EXPECT_EQ(trained(chat, fixtures()["conversations"]["turns"]), "[ A1][ A2][ A3]");
}

TEST(ChatTemplate, TellsTheHeaderFromWhatIsWrittenInItsPlace) {
  const ChatTemplate chat(
      "{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}<|end|>\n{% endfor %}"
      "{% if add_generation_prompt %}<|assistant|>\n{% else %}<|endoftext|>{% endif %}",
      ControlTokens{
          .bos = {}, .eos = "<|endoftext|>", .pad = {}, .special = {"<|end|>", "<|endoftext|>"}});
  EXPECT_EQ(trained(chat, fixtures()["conversations"]["turns"]),
            "[A1<|end|>][A2<|end|>][A3<|end|>]");
}

TEST(ChatTemplate, AHeaderThatOpensTheReasoningIsNotTrained) {
  const ChatTemplate chat(
      "{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}</s>{% endfor %}"
      "{% if add_generation_prompt %}<|assistant|>\n<think>\n{% endif %}",
      llama_tokens());
  EXPECT_EQ(
      trained(
          chat,
          messages(
              R"([{"role": "user", "content": "q"}, {"role": "assistant", "content": "<think>\nso\n</think>a"}])")),
      "[so\n</think>a</s>]");
  EXPECT_EQ(
      trained(
          chat,
          messages(
              R"([{"role": "user", "content": "q"}, {"role": "assistant", "content": "plain"}])")),
      "[plain</s>]");
}

TEST(ChatTemplate, TrainsToolCallsToTheirEnd) {
  const ChatTemplate chat(
      "{%- for m in messages %}{{- '<|im_start|>' ~ m.role }}{%- if m.content %}{{- '\\n' ~ "
      "m.content }}{%- endif %}"
      "{%- for c in m.tool_calls or [] %}{{- '\\n<tool_call>\\n{\"name\": \"' ~ c.function.name ~ "
      "'\", \"arguments\": ' ~ "
      "c.function.arguments|tojson ~ '}\\n</tool_call>' }}{%- endfor %}{{- '<|im_end|>\\n' }}{%- "
      "endfor %}"
      "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}",
      chatml_tokens());
  EXPECT_EQ(trained(chat, fixtures()["conversations"]["calls"]),
            "[<tool_call>\n{\"name\": \"set_lamp\", \"arguments\": {\"room\": \"Küche\", "
            "\"level\": 3}}\n</tool_call><|im_end|>]"
            "[It is on.<|im_end|>]");
}

TEST(ChatTemplate, GenerationBlocksDecideWhereThereAreSome) {
  const ChatTemplate chat(fixtures()["own"]["generation"]["source"].get<std::string>(),
                          llama_tokens());
  EXPECT_EQ(trained(chat, fixtures()["conversations"]["turns"]),
            "[A1<|end|>][A2<|end|>][A3<|end|>]");
}

TEST(ChatTemplate, RefusesMessagesThatAreNone) {
  const ChatTemplate chat(kChatMl, chatml_tokens());
  EXPECT_EQ(refusal(chat, messages(R"({"role": "user"})")),
            "messages must be an array, got object");
  EXPECT_EQ(refusal(chat, messages(R"(["hi"])")), "message 1 must be an object, got string");
  EXPECT_EQ(refusal(chat, messages(R"([{"content": "x"}])")), "message 1 has no \"role\"");
  EXPECT_EQ(refusal(chat, messages(R"([{"role": 3, "content": "x"}])")),
            "message 1: \"role\" must be a string, got number");
  EXPECT_EQ(refusal(chat, messages(R"([{"role": "user", "content": "x"}, {"role": "user"}])")),
            "message 2 has no \"content\"");
  EXPECT_EQ(refusal(chat, messages(R"([{"role": "user", "content": null}])")),
            "message 1 has no \"content\"");
  EXPECT_EQ(refusal(chat, messages(R"([{"role": "user", "content": 7}])")),
            "message 1: \"content\" must be a string or a list of parts, got number");
  EXPECT_TRUE(refusal(chat, fixtures()["conversations"]["parts"])
                  .starts_with("chat template:1: unsupported operand types"));
  EXPECT_TRUE(refusal(chat, fixtures()["conversations"]["calls"]).starts_with("chat template:1: "));
}

TEST(ChatTemplate, GivesTheTemplatesOwnSentence) {
  const ChatTemplate chat(fixtures()["own"]["alternating"]["source"].get<std::string>(),
                          llama_tokens());
  EXPECT_EQ(refusal(chat, fixtures()["conversations"]["assistant_first"]),
            "chat template:2: Turns must alternate, and turn 1 does not");
}

TEST(ChatTemplate, HashTellsSourcesApart) {
  const ChatTemplate one(kChatMl, chatml_tokens());
  EXPECT_EQ(one.hash(), ChatTemplate(kChatMl, llama_tokens()).hash());
  EXPECT_NE(one.hash(), ChatTemplate("x", llama_tokens()).hash());
  EXPECT_EQ(one.hash().size(), 16u);
}

TEST(ChatTemplate, CollectedCasesRenderAsStated) {
  for (const char* name :
       {"J01_break", "J06_defined_slice", "J07_namespace_strings", "J08_whitespace"}) {
    const std::string stem = std::string("cases/files/") + name;
    const auto path = testing::shared_path(stem + ".jinja");
    if (!path) continue;
    const Json input = read_json(*testing::shared_path(stem + ".input.json"));
    const std::string expected = read_file(*testing::shared_path(stem + ".expected.txt"));
    EXPECT_EQ(text_of(ChatTemplate(read_file(*path), chatml_tokens()).render(input["messages"])),
              expected)
        << name;
  }
  if (const auto path = testing::shared_path("cases/files/J09_tojson.jinja")) {
    const Json input = read_json(*testing::shared_path("cases/files/J09_tojson.input.json"));
    EXPECT_EQ(text_of(ChatTemplate(read_file(*path), chatml_tokens())
                          .render(Json::array(), {.variables = &input})),
              read_file(*testing::shared_path("cases/files/J09_tojson.expected.txt")));
  }
}

TEST(ChatTemplate, RealTemplatesTrainWhatTheyShould) {
  if (const auto zephyr = shared_template("chujiezheng/zephyr.jinja")) {
    const ChatTemplate chat(*zephyr, llama_tokens());
    const Json conversation = messages(
        R"([{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hey"}])");
    EXPECT_EQ(text_of(chat.render(conversation)),
              "<|system|>\nBe kind.</s>\n<|user|>\nHello</s>\n<|assistant|>\nHey</s>\n");
    EXPECT_EQ(trained(chat, conversation), "[Hey</s>]");
  }
  if (const auto qwen = shared_template("llama_cpp/Qwen-Qwen2.5-7B-Instruct.jinja")) {
    EXPECT_EQ(text_of(ChatTemplate(*qwen, chatml_tokens())
                          .render(messages(R"([{"role": "user", "content": "Hello"}])"),
                                  {.add_generation_prompt = true})),
              "<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful "
              "assistant.<|im_end|>\n"
              "<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n");
    EXPECT_EQ(trained(ChatTemplate(*qwen, chatml_tokens()),
                      fixtures()["conversations"]["calls_with_text"]),
              "[<tool_call>\n{\"name\": \"set_lamp\", \"arguments\": {\"room\": \"Küche\", "
              "\"level\": 3}}\n</tool_call><|im_end|>]"
              "[On.<|im_end|>]");
  }
  if (const auto qwen3 = shared_template("llama_cpp/Qwen-Qwen3-0.6B.jinja")) {
    const ChatTemplate chat(*qwen3, chatml_tokens());
    const Json conversation = parse_json(
        read_file(*testing::shared_path("cases/files/L10_think_history.jsonl")), "L10")["messages"];
    EXPECT_EQ(trained(chat, conversation),
              "[7 fruits<|im_end|>][<think>\n7-2\n</think>\n\n5 left<|im_end|>]");
    // What the template writes between the header and an answer without reasoning is the model's to
    // write.
    EXPECT_EQ(
        trained(
            chat,
            messages(
                R"([{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}])")),
        "[<think>\n\n</think>\n\na<|im_end|>]");
  }
  if (const auto nemo = shared_template("llama_cpp/mistralai-Mistral-Nemo-Instruct-2407.jinja")) {
    EXPECT_EQ(trained(ChatTemplate(*nemo, llama_tokens()),
                      fixtures()["conversations"]["calls_with_text"]),
              "[[TOOL_CALLS][{\"name\": \"set_lamp\", \"arguments\": {\"room\": \"Küche\", "
              "\"level\": 3}, \"id\": \"lamp00001\"}]</s>]"
              "[On.</s>]");
  }
}

}  // namespace
}  // namespace hone
