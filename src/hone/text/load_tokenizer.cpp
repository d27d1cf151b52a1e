#include <hone/base/error.h>
#include <hone/text/tokenizer.h>
#include <hone/text/tokenizer_folder.h>

namespace hone {
namespace {

namespace fs = std::filesystem;

Tokenizer load_folder(const fs::path& folder) {
  if (fs::exists(folder / "tokenizer.json")) return load_tokenizer_json(folder / "tokenizer.json");
  if (fs::exists(folder / "tokenizer.model")) return load_model_file(folder / "tokenizer.model");
  if (fs::exists(folder / "vocab.json") && fs::exists(folder / "merges.txt")) {
    return load_vocab_and_merges(folder);
  }
  fail(folder.string(), ": has no tokenizer.json, tokenizer.model, or vocab.json with merges.txt");
}

}  // namespace

Tokenizer load_tokenizer(const fs::path& path) {
  std::error_code error;
  const auto status = fs::status(path, error);
  if (!fs::exists(status)) fail(path.string(), ": no such file or folder");
  if (fs::is_directory(status)) return load_folder(path);
  const auto extension = path.extension();
  if (extension == ".gguf") return load_gguf_tokenizer(path);
  if (extension == ".json") return load_tokenizer_json(path);
  if (extension == ".model" || extension == ".tiktoken") return load_model_file(path);
  fail(path.string(),
       ": a tokenizer is a .gguf, tokenizer.json, .model or .tiktoken file, or a folder with one "
       "of them");
}

}  // namespace hone
