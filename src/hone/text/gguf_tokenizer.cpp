#include <algorithm>
#include <memory>

#include <hone/base/error.h>
#include <hone/format/gguf.h>
#include <hone/text/gguf_vocabulary.h>
#include <hone/text/tokenizer_folder.h>
#include <hone/text/tokenizer_model.h>

namespace hone {

Tokenizer load_gguf_tokenizer(const std::filesystem::path& path) {
  const GgufFile file(path);
  if (file.find("tokenizer.ggml.model") == nullptr) fail(path.string(), ": has no tokenizer");
  GgufVocabulary vocabulary;
  vocabulary.place = path.string();
  vocabulary.model_name = file.find_string("general.name").value_or("");
  vocabulary.model = file.get_string("tokenizer.ggml.model");
  vocabulary.pre = file.find_string("tokenizer.ggml.pre").value_or("");
  const auto copy = [&](const char* key, std::vector<std::string>& out) {
    if (const auto views = file.find_strings(key)) out.assign(views->begin(), views->end());
  };
  copy("tokenizer.ggml.tokens", vocabulary.tokens);
  copy("tokenizer.ggml.merges", vocabulary.merges);
  vocabulary.scores = file.find_floats("tokenizer.ggml.scores").value_or(std::vector<float>());
  vocabulary.types =
      file.find_ints("tokenizer.ggml.token_type").value_or(std::vector<std::int64_t>());
  vocabulary.bos_id = file.find_int("tokenizer.ggml.bos_token_id");
  vocabulary.eos_id = file.find_int("tokenizer.ggml.eos_token_id");
  vocabulary.pad_id = file.find_int("tokenizer.ggml.padding_token_id");
  vocabulary.unk_id = file.find_int("tokenizer.ggml.unknown_token_id");
  vocabulary.add_bos = file.find_bool("tokenizer.ggml.add_bos_token");
  vocabulary.add_eos = file.find_bool("tokenizer.ggml.add_eos_token");
  vocabulary.add_space_prefix = file.find_bool("tokenizer.ggml.add_space_prefix");
  vocabulary.chat_template = file.find_string("tokenizer.chat_template").value_or("");
  return Tokenizer(std::make_shared<const Tokenizer::Model>(parts_of(vocabulary)));
}

}  // namespace hone
