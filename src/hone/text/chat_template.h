// A model's Jinja chat template: messages to the text that the model was trained on, with what is
// whose.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <hone/base/json_io.h>
#include <hone/text/tokenizer.h>

namespace hone {

/// One stretch of a rendered conversation.
struct ChatPiece {
  std::string text;
  /// Written by a message (content, name, tool arguments), not by the template: control tokens in
  /// it are plain text.
  bool from_message = false;
  /// Part of an assistant's turn that a model must learn to write: its text and the token that ends
  /// its turn, not the header before it.
  bool trained = false;
};

/// What `ChatTemplate::render` may be told.
struct ChatOptions {
  /// End with the header of an assistant's turn, for a model to go on.
  bool add_generation_prompt = false;
  /// Tools offered to the model, an array of JSON schemas; null: none.
  const Json* tools = nullptr;
  /// Further variables of the template (`enable_thinking` and the like), an object; null: none.
  const Json* variables = nullptr;
  /// Seconds since 1970 that `strftime_now` shows, so that the same input gives the same text;
  /// negative: the clock.
  std::int64_t now = -1;
};

/// The tokens of a vocabulary that a chat template deals with.
struct ControlTokens {
  std::optional<std::string> bos;    ///< `bos_token` of templates
  std::optional<std::string> eos;    ///< `eos_token`
  std::optional<std::string> pad;    ///< `pad_token`
  std::vector<std::string> special;  ///< how every control token is written

  /// Those of `tokenizer`.
  static ControlTokens of(const Tokenizer& tokenizer);
};

/// A compiled chat template. A value: copies share the compiled form.
class ChatTemplate {
 public:
  /// Compiles Jinja `source`; `bos_token` and the like are what templates call by these names.
  /// Throws `Error` with the line of the template where it uses something that is not supported.
  ChatTemplate(std::string_view source, const Tokenizer& tokenizer);
  ChatTemplate(std::string_view source, ControlTokens tokens);

  /// Renders `messages`, an array of objects with `role` and `content`, in pieces whose texts
  /// together are what transformers' `apply_chat_template(tokenize=False)` gives. As there, a
  /// message's keys with null are left out, and `reasoning_content`, `thinking` and `reasoning`
  /// stand for each other.
  ///
  /// `trained` is taken from `{% generation %}` blocks where the template has them. Elsewhere an
  /// assistant's turn reaches from behind its header (what `add_generation_prompt` adds) to the
  /// control token that ends it, and is found by following where each character of the message
  /// went, so a template that rewrites earlier turns is handled too. A message that the template
  /// leaves out has nothing to train; where no control token follows, the turn ends with the
  /// message's own last character.
  ///
  /// Throws `Error` with the template's own sentence where it calls `raise_exception`, for a
  /// message without a role or content (only tool calls may stand without), and where a loop or the
  /// output exceeds its bound.
  std::vector<ChatPiece> render(const Json& messages, const ChatOptions& options = {}) const;

  /// Ids of a rendered conversation, and for each whether it is trained.
  ///
  /// The text is cut where a turn to train starts or ends, so that the ids before it are the ids of
  /// the prompt at generation, and at the control tokens that the template wrote; what a message
  /// wrote is never a control token. The tokenizer's own BOS is not added: the template writes one
  /// if the model wants it.
  struct Ids {
    std::vector<std::int64_t> input_ids;
    std::vector<std::int64_t> labels;  ///< the id itself where trained, -100 elsewhere
  };
  Ids encode(const Json& messages,
             const Tokenizer& tokenizer,
             const ChatOptions& options = {}) const;

  /// 16 hexadecimal digits over the template's source.
  std::string hash() const;

 private:
  struct Compiled;
  std::shared_ptr<const Compiled> compiled_;
};

/// The chat template to use for a model called `name`: `override_source` where given, else the
/// tokenizer's own. Throws `Error` where there is neither.
ChatTemplate chat_template_of(const Tokenizer& tokenizer,
                              const std::optional<std::string>& override_source,
                              const std::string& name);

}  // namespace hone
