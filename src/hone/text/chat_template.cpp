#include <algorithm>
#include <array>
#include <cstdio>

#include <nlohmann/json.hpp>
#include <xxhash.h>

#include <hone/base/error.h>
#include <hone/text/chat_encoder.h>
#include <hone/text/chat_template.h>
#include <hone/text/chat_turns.h>
#include <hone/text/jinja.h>
#include <hone/text/jinja_json.h>

namespace hone {
namespace {

using jinja::Tag;
using jinja::Value;

constexpr const char* kPlace = "chat template";

/// The names under which a message's reasoning is passed; the first is the one that templates read.
constexpr std::array<const char*, 3> kReasoning = {"reasoning_content", "thinking", "reasoning"};

bool has_value(const Json& message, const char* key) {
  return message.contains(key) && !message[key].is_null();
}

void check_messages(const Json& messages) {
  if (!messages.is_array()) fail("messages must be an array, got ", messages.type_name());
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const Json& message = messages[i];
    if (!message.is_object())
      fail("message ", i + 1, " must be an object, got ", message.type_name());
    if (!message.contains("role")) fail("message ", i + 1, " has no \"role\"");
    if (!message["role"].is_string())
      fail("message ", i + 1, ": \"role\" must be a string, got ", message["role"].type_name());
    if (has_value(message, "content")) {
      const Json& content = message["content"];
      if (content.is_string() || content.is_array()) continue;
      fail("message ", i + 1, ": \"content\" must be a string or a list of parts, got ",
           content.type_name());
    }
    if (!has_value(message, "tool_calls") && !has_value(message, "function_call")) {
      fail("message ", i + 1, " has no \"content\"");
    }
  }
}

/// A message as templates see it: keys with null left out, its reasoning under every name, the role
/// counted as the template's own word.
Value message_value(const Json& message, Tag tag) {
  const auto reasoning =
      std::ranges::find_if(kReasoning, [&](const char* key) { return has_value(message, key); });
  std::vector<std::pair<Value, Value>> items;
  const auto add = [&](const std::string& key, const Json& value, Tag value_tag) {
    items.emplace_back(Value::text(key, tag), jinja::from_json(value, value_tag));
  };
  if (reasoning != kReasoning.end()) add("thinking", message[*reasoning], tag);
  for (const auto& [key, value] : message.items()) {
    if (!value.is_null()) add(key, value, key == "role" ? jinja::kTemplateTag : tag);
  }
  if (reasoning != kReasoning.end()) add("reasoning_content", message[*reasoning], tag);
  return Value::dict(std::move(items), tag);
}

std::vector<AssistantMessage> assistants_of(const Json& messages) {
  std::vector<AssistantMessage> assistants;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    if (messages[i]["role"] == "assistant")
      assistants.push_back({i, has_value(messages[i], "tool_calls")});
  }
  return assistants;
}

}  // namespace

ControlTokens ControlTokens::of(const Tokenizer& tokenizer) {
  ControlTokens tokens;
  const auto text_of = [&](std::optional<std::int64_t> id) {
    return id ? std::optional(tokenizer.token_of(*id)) : std::nullopt;
  };
  tokens.bos = text_of(tokenizer.bos_id());
  tokens.eos = text_of(tokenizer.eos_id());
  tokens.pad = text_of(tokenizer.pad_id());
  for (std::int64_t id = 0; id < tokenizer.vocab_size(); ++id) {
    if (tokenizer.is_special(id)) tokens.special.push_back(tokenizer.token_of(id));
  }
  return tokens;
}

struct ChatTemplate::Compiled {
  jinja::Template program;
  ControlTokens tokens;
  std::string hash;

  /// The first `count` messages rendered.
  jinja::Template::Result run(const Json& messages,
                              std::size_t count,
                              const ChatOptions& options,
                              bool prompt) const;
  RenderedChat render(const Json& messages, const ChatOptions& options) const;
  TurnRules rules(const Json& messages,
                  const ChatOptions& options,
                  const jinja::Template::Result& result) const;
};

jinja::Template::Result ChatTemplate::Compiled::run(const Json& messages,
                                                    std::size_t count,
                                                    const ChatOptions& options,
                                                    bool prompt) const {
  std::vector<std::pair<std::string, Value>> inputs;
  if (tokens.bos) inputs.emplace_back("bos_token", Value::text(*tokens.bos));
  if (tokens.eos) inputs.emplace_back("eos_token", Value::text(*tokens.eos));
  if (tokens.pad) inputs.emplace_back("pad_token", Value::text(*tokens.pad));
  if (options.variables != nullptr) {
    if (!options.variables->is_object()) fail("the variables of a chat template must be an object");
    for (const auto& [name, value] : options.variables->items()) {
      inputs.emplace_back(name, jinja::from_json(value, jinja::kInputTag));
    }
  }
  std::vector<Value> values;
  for (std::size_t i = 0; i < count; ++i)
    values.push_back(message_value(messages[i], jinja::message_tag(i)));
  const bool has_tools = options.tools != nullptr && !options.tools->is_null();
  inputs.emplace_back("messages", Value::list(std::move(values)));
  inputs.emplace_back(
      "tools", has_tools ? jinja::from_json(*options.tools, jinja::kInputTag) : Value::none());
  const bool has_documents =
      options.variables != nullptr && options.variables->contains("documents");
  if (!has_documents) inputs.emplace_back("documents", Value::none());
  inputs.emplace_back("add_generation_prompt", Value::boolean(prompt));
  return program.render(inputs, options.now);
}

TurnRules ChatTemplate::Compiled::rules(const Json& messages,
                                        const ChatOptions& options,
                                        const jinja::Template::Result& result) const {
  const auto try_run = [=, this, &messages](std::size_t count,
                                            bool prompt) -> std::optional<jinja::Template::Result> {
    try {
      return run(messages, count, options, prompt);
    } catch (const Error&) {
      return std::nullopt;  // some templates refuse a prompt here, and then it adds nothing
    }
  };
  TurnRules rules;
  rules.eos = tokens.eos;
  for (const std::string& token : tokens.special) {
    if (!token.empty() && (token != tokens.bos || token == tokens.eos))
      rules.special.push_back(token);
  }
  if (tokens.eos && !tokens.eos->empty()) rules.special.push_back(*tokens.eos);
  const auto other = try_run(messages.size(), !options.add_generation_prompt);
  if (other) {
    const auto& plain = options.add_generation_prompt ? *other : result;
    const auto& prompted = options.add_generation_prompt ? result : *other;
    rules.header = generation_header(plain.text.bytes(), prompted.text.bytes(), prompted.writes);
  }
  rules.prompt_before = [try_run](std::size_t index) -> std::optional<std::string> {
    const auto prompt = index > 0 ? try_run(index, true) : std::nullopt;
    return prompt ? std::optional(prompt->text.bytes()) : std::nullopt;
  };
  return rules;
}

RenderedChat ChatTemplate::Compiled::render(const Json& messages,
                                            const ChatOptions& options) const {
  check_messages(messages);
  auto result = run(messages, messages.size(), options, options.add_generation_prompt);
  RenderedChat chat;
  if (program.has_generation()) {
    chat.trained = generated_ranges(result.text);
  } else if (const auto assistants = assistants_of(messages); !assistants.empty()) {
    chat.trained = find_turns(result.text, assistants, rules(messages, options, result));
  }
  chat.text = std::move(result.text);
  return chat;
}

ChatTemplate::ChatTemplate(std::string_view source, const Tokenizer& tokenizer)
    : ChatTemplate(source, ControlTokens::of(tokenizer)) {}

ChatTemplate::ChatTemplate(std::string_view source, ControlTokens tokens) {
  char digits[17];
  std::snprintf(digits, sizeof digits, "%016llx",
                static_cast<unsigned long long>(XXH64(source.data(), source.size(), 0)));
  compiled_ = std::make_shared<const Compiled>(
      Compiled{jinja::Template(source, kPlace), std::move(tokens), digits});
}

std::vector<ChatPiece> ChatTemplate::render(const Json& messages,
                                            const ChatOptions& options) const {
  return pieces_of(compiled_->render(messages, options));
}

ChatTemplate::Ids ChatTemplate::encode(const Json& messages,
                                       const Tokenizer& tokenizer,
                                       const ChatOptions& options) const {
  auto [ids, labels] =
      encode_chat(compiled_->render(messages, options), compiled_->tokens, tokenizer);
  return {std::move(ids), std::move(labels)};
}

std::string ChatTemplate::hash() const {
  return compiled_->hash;
}

ChatTemplate chat_template_of(const Tokenizer& tokenizer,
                              const std::optional<std::string>& override_source,
                              const std::string& name) {
  if (override_source) return ChatTemplate(*override_source, tokenizer);
  if (tokenizer.chat_template().empty())
    fail(name, ": has no chat template; give one with --chat-template FILE");
  return ChatTemplate(tokenizer.chat_template(), tokenizer);
}

}  // namespace hone
