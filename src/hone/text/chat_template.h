// A model's Jinja chat template: messages to the text that the model was trained on, with what is whose.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <hone/base/json_io.h>
#include <hone/text/tokenizer.h>

namespace hone {

/// One stretch of a rendered conversation.
struct ChatPiece {
  std::string text;
  /// Written by a message (content, name, tool arguments), not by the template: control tokens in it are plain text.
  bool from_message = false;
  /// Part of an assistant's turn that a model must learn to write: its text and the token that ends its turn, not the
  /// header before it.
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
  /// Seconds since 1970 that `strftime_now` shows, so that the same input gives the same text; negative: the clock.
  std::int64_t now = -1;
};

/// A compiled chat template. A value: copies share the compiled form.
class ChatTemplate {
 public:
  /// Compiles Jinja `source`; `bos_token` and the like are what templates call by these names. Throws `Error` with the
  /// line of the template where it uses something that is not supported.
  ChatTemplate(std::string_view source, const Tokenizer& tokenizer);

  /// Renders `messages`, an array of objects with `role` and `content`, in pieces whose texts together are what
  /// transformers' `apply_chat_template(tokenize=False)` gives.
  ///
  /// `trained` is taken from `{% generation %}` blocks where the template has them. Elsewhere an assistant's turn
  /// reaches from behind its header (what `add_generation_prompt` adds) to the control token that ends it, and is found
  /// by following where each character of the message went, so a template that rewrites earlier turns is handled too.
  /// Throws `Error` with the template's own sentence where it calls `raise_exception`, for a message without a role or
  /// content, and where a loop or the output exceeds its bound.
  std::vector<ChatPiece> render(const Json& messages, const ChatOptions& options = {}) const;

  /// Ids of a rendered conversation, and for each whether it is trained. Pieces are encoded so that the ids before an
  /// assistant's turn are the ids of the prompt at generation.
  struct Ids {
    std::vector<std::int64_t> input_ids;
    std::vector<std::int64_t> labels;  ///< the id itself where trained, -100 elsewhere
  };
  Ids encode(const Json& messages, const Tokenizer& tokenizer, const ChatOptions& options = {}) const;

  /// 16 hexadecimal digits over the template's source.
  std::string hash() const;

 private:
  struct Compiled;
  std::shared_ptr<const Compiled> compiled_;
};

}  // namespace hone
