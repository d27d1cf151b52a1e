// What hone-inspect can look at, one function each.
#pragma once

#include <cstddef>
#include <string>

#include <hone/text/tokenizer.h>

namespace hone::tools {

/// Options of hone-inspect.
struct InspectOptions {
  std::string input, model, tokenizer, html, text;
  std::size_t rows = 3;
  std::size_t first = 1;
  bool tokens = false;
};

/// Shows tokenized rows and what looks wrong in all of them.
int inspect_rows(const InspectOptions& options, const Tokenizer& tokenizer);

/// Shows family, sizes and tensors of a model folder or GGUF file.
int inspect_model(const std::string& path);

/// Shows method, rank and tensors of a PEFT folder.
int inspect_adapter(const std::string& path);

/// Shows a text's ids, and whether decoding gives it back; 1 where it does not.
int inspect_text(const std::string& text, const Tokenizer& tokenizer);

}  // namespace hone::tools
