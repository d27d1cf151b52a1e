// Chat templates for models that bring none, by the names of the formats.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <hone/text/tokenizer.h>

namespace hone {

/// Names of the built-in templates: chatml, llama-2, llama-3, mistral, gemma, phi-3, zephyr,
/// vicuna, alpaca, hh.
std::vector<std::string> builtin_template_names();

/// The same in one line, for people.
std::string builtin_template_list();

/// Jinja source of the built-in template called `name`; nothing where there is none.
///
/// Each writes the published prompt format of its family, contents trimmed as the families' own
/// templates do, and ends every turn of the assistant with the token that ends generation, except
/// hh, which does so only for the last turn, as its data have it. llama-2, mistral and gemma put a
/// system message in front of the first turn of the user. Tools are refused; in all but chatml so
/// are roles other than system, user and assistant.
std::optional<std::string> builtin_template(std::string_view name);

/// The source that `--chat-template file_or_name` stands for: of a file where there is one of that
/// name, else the built-in template. Throws `Error` where it is neither, and where the vocabulary
/// of `tokenizer` lacks a control token that the built-in template writes.
std::string chat_template_source(const std::string& file_or_name, const Tokenizer& tokenizer);

}  // namespace hone
