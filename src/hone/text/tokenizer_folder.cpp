#include <memory>
#include <utility>

#include <hone/base/error.h>
#include <hone/base/files.h>
#include <hone/base/utf8.h>
#include <hone/text/json_fields.h>
#include <hone/text/known_splits.h>
#include <hone/text/tiktoken.h>
#include <hone/text/tokenizer_config.h>
#include <hone/text/tokenizer_folder.h>
#include <hone/text/tokenizer_json.h>
#include <hone/text/tokenizer_model.h>

namespace hone {
namespace {

namespace fs = std::filesystem;

void read_vocab_file(const fs::path& path, Vocabulary& vocabulary) {
  const auto file = read_json(path);
  if (!file.is_object()) fail_type(path.string(), "an object", file);
  for (const auto& [token, id] : file.items()) {
    if (!id.is_number_integer())
      fail_type(concat(path.string(), ": the id of ", quote(token)), "an integer", id);
    vocabulary.add(id.get<std::int64_t>(), token, path.string());
  }
  if (vocabulary.count() == 0) fail(path.string(), ": has no tokens");
}

/// Two tokens a line. Only a line that says so is a version line, wherever the file begins.
std::vector<MergePair> read_merges_file(const fs::path& path) {
  const auto text = read_file(path);
  if (const auto offset = find_invalid_utf8(text)) {
    fail(path.string(), ": is not UTF-8 at byte offset ", *offset);
  }
  std::vector<MergePair> merges;
  std::string_view rest = text;
  for (std::size_t number = 1; !rest.empty(); ++number) {
    const auto end = rest.find('\n');
    auto line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || line.starts_with("#version")) continue;
    const auto space = line.find(' ');
    if (space == 0 || space == line.npos || space + 1 == line.size() ||
        line.find(' ', space + 1) != line.npos) {
      fail(path.string(), ":", number, ": a merge must be two tokens, got ", quote(line));
    }
    merges.emplace_back(line.substr(0, space), line.substr(space + 1));
  }
  return merges;
}

/// What Hugging Face's class of the same name sets where the files are silent.
void set_class_defaults(const std::string& tokenizer_class, TokenizerParts& parts) {
  const std::string end = "<|endoftext|>";
  if (!parts.vocabulary.id_of(end) && tokenizer_class.empty()) return;
  parts.names = {
      tokenizer_class.starts_with("Qwen2") ? std::nullopt : std::optional(end), end, {}, end};
  if (tokenizer_class.starts_with("Qwen2")) parts.names.pad = end;
}

std::string read_class(const fs::path& folder) {
  const auto path = folder / "tokenizer_config.json";
  if (!fs::exists(path)) return {};
  const auto file = read_json(path);
  const auto name = JsonFields(file, path.string()).string("tokenizer_class", "");
  for (const char* known :
       {"", "GPT2Tokenizer", "GPT2TokenizerFast", "Qwen2Tokenizer", "Qwen2TokenizerFast"}) {
    if (name == known) return name;
  }
  fail(path.string(), ": tokenizer_class ", quote(name),
       " cannot be built from vocab.json and merges.txt, only GPT2Tokenizer and Qwen2Tokenizer "
       "can; use a "
       "tokenizer.json");
}

}  // namespace

Tokenizer load_tokenizer_json(const fs::path& path) {
  auto parts = read_tokenizer_json(read_json(path), path.string());
  const auto config = read_tokenizer_config(path.parent_path(), parts);
  add_named_tokens(parts);
  // The flags overrule the file's own post-processor, as they do in transformers.
  if (config.add_bos || config.add_eos) {
    set_bos_and_eos(parts, config.add_bos.value_or(false), config.add_eos.value_or(false));
  }
  return Tokenizer(std::make_shared<const Tokenizer::Model>(std::move(parts)));
}

Tokenizer load_model_file(const fs::path& path) {
  const auto bytes = read_file(path);
  if (!is_tiktoken(bytes)) return load_sentencepiece(path);
  auto parts = read_tiktoken(bytes, path.string());
  const auto config = read_tokenizer_config(path.parent_path(), parts);
  add_named_tokens(parts);
  const bool has_bos = parts.names.bos.has_value();
  set_bos_and_eos(parts, config.add_bos.value_or(has_bos), config.add_eos.value_or(false));
  return Tokenizer(std::make_shared<const Tokenizer::Model>(std::move(parts)));
}

Tokenizer load_sentencepiece(const fs::path& path) {
  SentencePieceModel model(read_file(path), path.string());
  auto parts = model.parts();
  const auto config = read_tokenizer_config(path.parent_path(), parts);
  add_named_tokens(parts);
  set_bos_and_eos(parts, config.add_bos.value_or(true), config.add_eos.value_or(false));
  SentencePiecePipeline pipeline{std::move(model), config.legacy.value_or(true)};
  return Tokenizer(std::make_shared<const Tokenizer::Model>(std::move(parts), std::move(pipeline)));
}

Tokenizer load_vocab_and_merges(const fs::path& folder) {
  const auto tokenizer_class = read_class(folder);
  const bool qwen2 = tokenizer_class.starts_with("Qwen2");
  TokenizerParts parts;
  parts.place = folder.string();
  read_vocab_file(folder / "vocab.json", parts.vocabulary);
  parts.merges = read_merges_file(folder / "merges.txt");
  if (qwen2) parts.normalizer = {{"type", "NFC"}};
  parts.pre_tokenizer = qwen2 ? qwen2_split() : byte_level_split();
  parts.decoder = byte_level_decoder();
  set_class_defaults(tokenizer_class, parts);
  const auto config = read_tokenizer_config(folder, parts);
  add_named_tokens(parts);
  if (config.add_prefix_space.value_or(false)) add_prefix_space(parts.pre_tokenizer);
  set_bos_and_eos(parts, config.add_bos.value_or(false), config.add_eos.value_or(false));
  return Tokenizer(std::make_shared<const Tokenizer::Model>(std::move(parts)));
}

}  // namespace hone
