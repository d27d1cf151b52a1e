// The built-in chat templates against the published formats of their families.
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <hone/base/error.h>
#include <hone/base/files.h>
#include <hone/base/json_io.h>
#include <hone/text/builtin_templates.h>
#include <hone/text/chat_template.h>

#include "base/error_of.h"
#include "base/temporary_folder.h"
#include "chat_pieces.h"
#include "shared_data.h"
#include "tokenizer_support.h"

namespace hone {
namespace {

using testing::contains;
using testing::error_of;
using testing::shared_path;

const std::vector<std::string> kFamilyTokens = {
    "<s>",           "</s>",          "<|im_start|>",   "<|im_end|>",          "<|eot_id|>",
    "<|end|>",       "<|user|>",      "<|system|>",     "<|start_header_id|>", "<|end_header_id|>",
    "<|assistant|>", "<end_of_turn>", "<start_of_turn>"};

ChatTemplate builtin(const std::string& name) {
  return {*builtin_template(name),
          ControlTokens{.bos = "<s>", .eos = "</s>", .pad = {}, .special = kFamilyTokens}};
}

Json dialogue(bool with_system) {
  auto messages =
      parse_json(R"([{"role":"system","content":"Be brief."},{"role":"user","content":"Hi "},)"
                 R"({"role":"assistant","content":"Ho."},{"role":"user","content":"Why?"}])",
                 "test");
  if (!with_system) messages.erase(0);
  return messages;
}

struct FamilyFormat {
  std::string with_system;     // the dialogue, and the header of an answer
  std::string without_system;  // the same
  std::string trained;         // of the answer in it
};

// Written down from the formats as their makers publish them.
const std::map<std::string, FamilyFormat>& family_formats() {
  static const std::map<std::string, FamilyFormat> formats = {
      {"chatml",
       {"<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n"
        "<|im_start|>assistant\nHo.<|im_end|>\n<|im_start|>user\nWhy?<|im_end|>\n"
        "<|im_start|>assistant\n",
        "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nHo.<|im_end|>\n"
        "<|im_start|>user\nWhy?<|im_end|>\n<|im_start|>assistant\n",
        "Ho.<|im_end|>"}},
      {"llama-2",
       {"<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nHi [/INST] Ho. </s><s>[INST] Why? [/INST]",
        "<s>[INST] Hi [/INST] Ho. </s><s>[INST] Why? [/INST]", " Ho. </s>"}},
      {"llama-3",
       {"<s><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|>"
        "<|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\nHo.<|eot_id|>"
        "<|start_header_id|>user<|end_header_id|>\n\nWhy?<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\n",
        "<s><|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\nHo.<|eot_id|>"
        "<|start_header_id|>user<|end_header_id|>\n\nWhy?<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\n",
        "Ho.<|eot_id|>"}},
      {"mistral",
       {"<s>[INST] Be brief.\n\nHi [/INST] Ho.</s>[INST] Why? [/INST]",
        "<s>[INST] Hi [/INST] Ho.</s>[INST] Why? [/INST]", " Ho.</s>"}},
      {"gemma",
       {"<s><start_of_turn>user\nBe "
        "brief.\n\nHi<end_of_turn>\n<start_of_turn>model\nHo.<end_of_turn>\n"
        "<start_of_turn>user\nWhy?<end_of_turn>\n<start_of_turn>model\n",
        "<s><start_of_turn>user\nHi<end_of_turn>\n<start_of_turn>model\nHo.<end_of_turn>\n"
        "<start_of_turn>user\nWhy?<end_of_turn>\n<start_of_turn>model\n",
        "Ho.<end_of_turn>"}},
      {"phi-3",
       {"<|system|>\nBe brief.<|end|>\n<|user|>\nHi<|end|>\n<|assistant|>\nHo.<|end|>\n"
        "<|user|>\nWhy?<|end|>\n<|assistant|>\n",
        "<|user|>\nHi<|end|>\n<|assistant|>\nHo.<|end|>\n<|user|>\nWhy?<|end|>\n<|assistant|>\n",
        "Ho.<|end|>"}},
      {"zephyr",
       {"<|system|>\nBe brief.</s>\n<|user|>\nHi</s>\n<|assistant|>\nHo.</s>\n<|user|>\nWhy?</s>\n"
        "<|assistant|>\n",
        "<|user|>\nHi</s>\n<|assistant|>\nHo.</s>\n<|user|>\nWhy?</s>\n<|assistant|>\n",
        "Ho.</s>"}},
      {"vicuna",
       {"<s>Be brief. USER: Hi ASSISTANT: Ho.</s>USER: Why? ASSISTANT:",
        "<s>USER: Hi ASSISTANT: Ho.</s>USER: Why? ASSISTANT:", " Ho.</s>"}},
      {"alpaca",
       {"<s>Be brief.\n\n### Instruction:\nHi\n\n### Response:\nHo.</s>\n\n"
        "### Instruction:\nWhy?\n\n### Response:\n",
        "<s>### Instruction:\nHi\n\n### Response:\nHo.</s>\n\n"
        "### Instruction:\nWhy?\n\n### Response:\n",
        "Ho.</s>"}},
      {"hh",
       {"<s>Be brief.\n\nHuman: Hi\n\nAssistant: Ho.\n\nHuman: Why?\n\nAssistant:",
        "<s>\n\nHuman: Hi\n\nAssistant: Ho.\n\nHuman: Why?\n\nAssistant:", " Ho."}}};
  return formats;
}

TEST(BuiltinTemplates, WriteThePublishedFormats) {
  EXPECT_EQ(builtin_template_names().size(), family_formats().size());
  for (const auto& [name, format] : family_formats()) {
    const auto chat = builtin(name);
    EXPECT_EQ(text_of(chat.render(dialogue(true), {.add_generation_prompt = true})),
              format.with_system)
        << name;
    EXPECT_EQ(text_of(chat.render(dialogue(false), {.add_generation_prompt = true})),
              format.without_system)
        << name;
  }
}

TEST(BuiltinTemplates, AnswersAreTrainedWithTheirEnd) {
  for (const auto& [name, format] : family_formats()) {
    for (const bool with_system : {false, true}) {
      std::string trained;
      for (const auto& piece : builtin(name).render(dialogue(with_system)))
        if (piece.trained) trained += piece.text;
      EXPECT_EQ(trained, format.trained) << name;
    }
    auto ended = dialogue(false);
    ended.erase(ended.size() - 1);
    std::string trained;
    for (const auto& piece : builtin(name).render(ended))
      if (piece.trained) trained += piece.text;
    EXPECT_EQ(trained, format.trained + (name == "hh" ? "</s>" : "")) << name;
  }
}

// The files of that folder are whole templates of others; ours must give what they give.
TEST(BuiltinTemplates, AgreeWithTemplatesInUse) {
  const auto folder = shared_path("data/chat_templates/chujiezheng");
  if (!folder) GTEST_SKIP() << "the shared data are not here";
  const std::vector<std::pair<std::string, std::string>> pairs = {{"chatml", "chatml"},
                                                                  {"llama-2", "llama-2-chat"},
                                                                  {"llama-3", "llama-3-instruct"},
                                                                  {"gemma", "gemma-it"},
                                                                  {"mistral", "mistral-instruct"},
                                                                  {"phi-3", "phi-3"},
                                                                  {"zephyr", "zephyr"},
                                                                  {"alpaca", "alpaca"}};
  for (const auto& [name, file] : pairs) {
    // Their mistral writes the system message in front of the turn, their chatml a BOS that
    // ChatML's own models have not, their gemma none.
    const auto system = name != "mistral";
    const std::string bos = name == "chatml" || name == "gemma" ? "" : "<s>";
    const ControlTokens tokens{.bos = bos, .eos = "</s>", .pad = {}, .special = kFamilyTokens};
    // They are to be read without indentation and line ends.
    auto source = read_file(*folder / (file + ".jinja"));
    std::erase(source, '\n');
    for (auto at = source.find("    "); at != source.npos; at = source.find("    "))
      source.erase(at, 4);
    const ChatTemplate theirs(source, tokens);
    const ChatTemplate ours(*builtin_template(name), tokens);
    for (const bool with_system : {false, system}) {
      for (const bool generates : {false, true}) {
        const ChatOptions options{.add_generation_prompt = generates};
        EXPECT_EQ(text_of(ours.render(dialogue(with_system), options)),
                  text_of(theirs.render(dialogue(with_system), options)))
            << name;
      }
    }
  }
}

TEST(BuiltinTemplates, RefuseWhatTheyHaveNoPlaceFor) {
  const auto tools = parse_json("[{}]", "test");
  const auto odd =
      parse_json(R"([{"role":"user","content":"Q"},{"role":"tool","content":"R"}])", "t");
  const auto late =
      parse_json(R"([{"role":"user","content":"Q"},{"role":"system","content":"S"}])", "t");
  for (const auto& name : builtin_template_names()) {
    const auto chat = builtin(name);
    EXPECT_TRUE(contains(error_of([&] { chat.render(dialogue(true), {.tools = &tools}); }),
                         "no place for tools"))
        << name;
    if (name == "chatml") continue;
    EXPECT_TRUE(contains(error_of([&] { chat.render(odd); }), "no role tool")) << name;
    EXPECT_TRUE(contains(error_of([&] { chat.render(late); }), "must come first")) << name;
  }
}

TEST(BuiltinTemplates, AreFoundByNameUnlessThereIsAFile) {
  const auto tokenizer = testing::fixture_tokenizer("byte_level.json");  // has ChatML's tokens
  EXPECT_EQ(chat_template_source("chatml", tokenizer), builtin_template("chatml"));
  const testing::TemporaryFolder folder;
  EXPECT_EQ(chat_template_source(folder.file("chatml", "{{ 1 }}").string(), tokenizer), "{{ 1 }}");
  EXPECT_TRUE(contains(error_of([&] { chat_template_source("chatlm", tokenizer); }), "chatml"));
  EXPECT_TRUE(contains(error_of([&] { chat_template_source("llama-3", tokenizer); }),
                       "needs the control token <|start_header_id|>"));
  EXPECT_TRUE(
      contains(error_of([&] { chat_template_source("hh", tokenizer); }), "needs an end token"));
  EXPECT_EQ(builtin_template("none"), std::nullopt);
}

}  // namespace
}  // namespace hone
