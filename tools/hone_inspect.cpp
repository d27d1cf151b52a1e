// hone-inspect: tokenized rows, models, adapters and tokenizers, made visible.
#include <filesystem>
#include <string>

#include <hone/base/error.h>
#include <hone/base/files.h>

#include "inspect.h"
#include "program.h"

namespace {

using namespace hone;
using namespace hone::recipes;
using namespace hone::tools;

namespace fs = std::filesystem;

bool has_file(const std::string& folder, const char* name) {
  return fs::exists(fs::path(folder) / name);
}

/// The model whose tokenizer is meant: what is named, else the input itself.
std::string tokenizer_path(const InspectOptions& options) {
  if (!options.model.empty()) return options.model;
  return options.tokenizer.empty() ? options.input : options.tokenizer;
}

/// Finds out by looking what the input is.
int inspect(const InspectOptions& options) {
  if (!options.text.empty())
    return inspect_text(options.text, load_tokenizer(tokenizer_path(options)));
  if (options.input.empty()) fail("give a file or folder to inspect");
  if (fs::is_directory(options.input)) {
    if (has_file(options.input, "adapter_config.json")) return inspect_adapter(options.input);
    if (has_file(options.input, "config.json")) return inspect_model(options.input);
    fail(options.input,
         ": holds neither config.json nor adapter_config.json; for a tokenizer give --text");
  }
  if (fs::path(options.input).extension() == ".gguf") return inspect_model(options.input);
  if (options.model.empty() && options.tokenizer.empty())
    fail(options.input, ": to show tokenized rows give --model or --tokenizer");
  return inspect_rows(options, load_tokenizer(tokenizer_path(options)));
}

}  // namespace

int main(int argc, char** argv) {
  InspectOptions options;
  CLI::App app(
      "Show tokenized rows (what is trained is green, or in [[ ]] where there is no colour) and "
      "what "
      "looks wrong in them; the sizes of a model or an adapter; the tokens of a text.",
      "hone-inspect");
  app.add_option(
      "input", options.input,
      "tokenized JSONL made by hone-convert, a model (folder or .gguf), or an adapter folder");
  app.add_option("--model", options.model, "model the rows were made for: folder or .gguf");
  app.add_option("--tokenizer", options.tokenizer,
                 "tokenizer alone: tokenizer.json, .model, folder or .gguf");
  app.add_option("--rows", options.rows, "rows to show")->capture_default_str();
  app.add_option("--first", options.first, "number of the first row to show, from 1")
      ->capture_default_str();
  app.add_flag("--tokens", options.tokens, "show each token apart, with its id");
  app.add_option("--html", options.html, "write the rows as a page, each token with its id");
  app.add_option("--text", options.text,
                 "show the tokens of this text, and whether decoding gives it back");
  return run_program(app, argc, argv, [&] { return inspect(options); });
}
