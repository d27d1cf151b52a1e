#include <hone/base/files.h>
#include <hone/text/tokenizer_json.h>
#include <hone/text/tokenizer_model.h>

namespace hone {
namespace {

namespace fs = std::filesystem;

void add_names(const TokenNames& names, Json& config) {
  const auto add = [&](const char* key, const std::optional<std::string>& name) {
    if (name) config[key] = *name;
  };
  add("bos_token", names.bos);
  add("eos_token", names.eos);
  add("pad_token", names.pad);
  add("unk_token", names.unk);
}

/// The class that takes tokenizer.json as it is; the classes of single models rebuild parts of it.
Json json_config(const TokenizerParts& parts) {
  Json config = {{"tokenizer_class", "PreTrainedTokenizerFast"},
                 {"clean_up_tokenization_spaces", false}};
  add_names(parts.names, config);
  return config;
}

Json sentencepiece_config(const TokenizerParts& parts, bool legacy) {
  const auto adds = [&](const std::optional<std::string>& name) {
    return name && parts.post_processor.at("special_tokens").contains(*name);
  };
  Json tokens = Json::object();
  for (const auto& token : parts.added_tokens) {
    tokens[std::to_string(token.id)] = {
        {"content", token.content},         {"lstrip", token.lstrip},
        {"normalized", token.normalized},   {"rstrip", token.rstrip},
        {"single_word", token.single_word}, {"special", token.special}};
  }
  Json config = {{"tokenizer_class", "LlamaTokenizer"},    {"add_bos_token", adds(parts.names.bos)},
                 {"add_eos_token", adds(parts.names.eos)}, {"added_tokens_decoder", tokens},
                 {"clean_up_tokenization_spaces", false},  {"legacy", legacy}};
  add_names(parts.names, config);
  return config;
}

}  // namespace

void save_tokenizer(const Tokenizer& tokenizer, const fs::path& folder) {
  fs::create_directories(folder);
  const auto parts = tokenizer.model().parts();
  if (const auto* pieces = tokenizer.model().sentencepiece()) {
    write_file(folder / "tokenizer.model", pieces->model.bytes());
    write_json(folder / "tokenizer_config.json",
               sentencepiece_config(parts, pieces->prefixes_every_part));
  } else {
    write_json(folder / "tokenizer.json", write_tokenizer_json(parts));
    write_json(folder / "tokenizer_config.json", json_config(parts));
  }
  if (!parts.chat_template.empty()) write_file(folder / "chat_template.jinja", parts.chat_template);
}

}  // namespace hone
