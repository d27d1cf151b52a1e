// The tokens of a template, with the white space rules of trim_blocks and lstrip_blocks.
#pragma once

#include <string>
#include <string_view>
#include <vector>

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
/// trim_blocks and lstrip_blocks on and keep_trailing_newline off. The last token is kEnd. Throws
/// `Error` starting with `place:line`.
std::vector<Token> tokenize(std::string_view source, const std::string& place);

}  // namespace hone::jinja
