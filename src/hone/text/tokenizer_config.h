// The files beside a vocabulary: tokenizer_config.json, special_tokens_map.json, added_tokens.json,
// chat_template.jinja.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include <hone/text/tokenizer_parts.h>

namespace hone {

/// What tokenizer_config.json says besides the tokens themselves.
struct TokenizerConfig {
  std::string tokenizer_class;  ///< empty: not said
  std::optional<bool> add_bos;  ///< add_bos_token
  std::optional<bool> add_eos;  ///< add_eos_token
  std::optional<bool> legacy;   ///< Llama: a dummy space in front of text after an added token too
  std::optional<bool> add_prefix_space;
};

/// Reads what is there of the four files in `folder`: added tokens, roles of tokens and the chat
/// template go into `parts`, replacing what it has. Throws `Error` naming file and member.
TokenizerConfig read_tokenizer_config(const std::filesystem::path& folder, TokenizerParts& parts);

/// Makes the tokens with a role special, as Hugging Face does when it loads a tokenizer.
void add_named_tokens(TokenizerParts& parts);

/// Replaces the post-processor by one that follows the flags.
void set_bos_and_eos(TokenizerParts& parts, bool add_bos, bool add_eos);

}  // namespace hone
