// The tokens of a template, with the white space rules of its environment.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <hone/text/jinja_environment.h>
#include <hone/text/jinja_value.h>

namespace hone::jinja {

struct Token {
  enum class Kind {
    kData,           // text between tags
    kVariableBegin,  // {{
    kVariableEnd,
    kBlockBegin,  // {%
    kBlockEnd,
    kName,
    kString,
    kNumber,    // the value in `number`
    kOperator,  // + - * / // % ** ~ ( ) [ ] { } == != < <= > >= = . : | , ;
    kEnd,
  };

  Kind kind = Kind::kEnd;
  std::string text;
  Value number;
  int line = 1;
};

/// Splits `source`, comments and raw blocks resolved, white space trimmed as Jinja does with
/// trim_blocks and lstrip_blocks on (off for `Environment::kTask`) and keep_trailing_newline off.
/// The last token is kEnd. Throws `Error` starting with `place:line`.
std::vector<Token> tokenize(std::string_view source,
                            const std::string& place,
                            Environment environment = Environment::kChat);

}  // namespace hone::jinja
