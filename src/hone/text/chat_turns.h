// Which part of a rendered conversation an assistant wrote.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <hone/text/jinja_text.h>

namespace hone {

/// Bytes `begin` .. `end` of a text.
struct TextRange {
  std::size_t begin = 0;
  std::size_t end = 0;

  bool operator==(const TextRange&) const = default;
};

/// One assistant message of the input.
struct AssistantMessage {
  std::size_t index = 0;  ///< its place among the messages
  bool has_tool_calls =
      false;  ///< the template then writes more behind the message's last character
};

/// What is needed to find the turns besides the text.
struct TurnRules {
  std::string header;                ///< what add_generation_prompt adds; may be empty
  std::optional<std::string> eos;    ///< the token that ends a turn, where known
  std::vector<std::string> special;  ///< every control token that can end a turn
  /// The prompt before message `index`, for templates whose header is not found; nothing where it
  /// cannot be rendered.
  std::function<std::optional<std::string>(std::size_t index)> prompt_before;
};

/// The header: what the render with a generation prompt adds to the one without. `writes` are the
/// lengths of `prompted` after each part that the template wrote, for templates that write
/// something else without a prompt.
std::string generation_header(const std::string& plain,
                              const std::string& prompted,
                              const std::vector<std::size_t>& writes);

/// The ranges that a model must learn to write, ascending and disjoint, found by where the
/// characters of the assistant messages went.
std::vector<TextRange> find_turns(const jinja::Text& text,
                                  const std::vector<AssistantMessage>& assistants,
                                  const TurnRules& rules);

/// The ranges inside `{% generation %}`.
std::vector<TextRange> generated_ranges(const jinja::Text& text);

/// The ranges that the template itself wrote.
std::vector<TextRange> template_ranges(const jinja::Text& text);

}  // namespace hone
