#include "models.h"

#include <hone/model/peft.h>
#include <hone/model/pretrained.h>
#include <hone/text/builtin_templates.h>

#include "options.h"

namespace hone::recipes {

LoadedModel load_model(const ModelOptions& options) {
  // The tokenizer first: it is quick to load and quick to be refused.
  auto tokenizer = load_tokenizer(options.model);
  auto model = load_pretrained(options.model, {.dtype = dtype_of_option(options.dtype),
                                               .quantization = quantization(options.quantization)});
  if (!options.adapter.empty()) load_adapter(model, options.adapter);
  model->eval();
  return {.model = std::move(model), .tokenizer = std::move(tokenizer)};
}

ChatTemplate load_chat_template(const ModelOptions& options, const Tokenizer& tokenizer) {
  std::optional<std::string> source;
  if (!options.chat_template.empty())
    source = chat_template_source(options.chat_template, tokenizer);
  return chat_template_of(tokenizer, source, options.model);
}

}  // namespace hone::recipes
