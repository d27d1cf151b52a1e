// What every program does first: a model with its tokenizer, template and adapter.
#pragma once

#include <optional>
#include <string>

#include <hone/causal_lm.h>
#include <hone/text/chat_template.h>
#include <hone/text/tokenizer.h>

namespace hone::recipes {

/// Where a model comes from.
struct ModelOptions {
  std::string model;          ///< folder or .gguf file
  std::string adapter;        ///< adapter folder; empty: none
  std::string chat_template;  ///< file, or name of a built-in one, that replaces the model's own
                              ///< template; empty: the model's own
  std::string dtype = "auto";
  std::string quantization = "none";
};

/// A model ready to use.
struct LoadedModel {
  CausalLM model;
  Tokenizer tokenizer;
};

/// Loads model and adapter for use (not for training).
LoadedModel load_model(const ModelOptions& options);

/// The template of `--chat-template`, or the model's own. Throws `Error` where there is neither.
ChatTemplate load_chat_template(const ModelOptions& options, const Tokenizer& tokenizer);

}  // namespace hone::recipes
