// From a rendered conversation to pieces and to ids.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include <hone/text/chat_template.h>
#include <hone/text/chat_turns.h>
#include <hone/text/jinja_text.h>

namespace hone {

/// A conversation as its template wrote it.
struct RenderedChat {
  jinja::Text text;
  std::vector<TextRange> trained;  // ascending, disjoint
};

/// The text cut wherever `from_message` or `trained` changes.
std::vector<ChatPiece> pieces_of(const RenderedChat& chat);

/// Ids and labels, as `ChatTemplate::encode` describes them.
std::pair<std::vector<std::int64_t>, std::vector<std::int64_t>> encode_chat(
    const RenderedChat& chat, const ControlTokens& tokens, const Tokenizer& tokenizer);

/// Where control tokens stand in what the template wrote: the first, and of those the longest,
/// wins.
struct ControlMark {
  TextRange range;
  std::string token;
};
std::vector<ControlMark> find_control_tokens(const jinja::Text& text, const ControlTokens& tokens);

}  // namespace hone
