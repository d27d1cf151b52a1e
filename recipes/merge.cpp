// hone-merge: folds an adapter into its base and writes the result as a model of its own.
#include <cstdio>
#include <filesystem>
#include <iostream>

#include <hone/base/error.h>
#include <hone/base/files.h>
#include <hone/model/peft.h>
#include <hone/model/pretrained.h>
#include <hone/model/tensor_files.h>
#include <hone/text/tokenizer.h>

#include "options.h"
#include "program.h"

namespace {

using namespace hone;
using namespace hone::recipes;

struct Options {
  std::string model, adapter, output;
  std::string dtype = "stored";
  bool overwrite = false;
};

int merge_adapter(const Options& options) {
  if (std::filesystem::exists(options.output) && !options.overwrite) {
    fail(options.output, ": exists already; give --overwrite to replace it");
  }
  // A quantised base would round the adapter away; it is expanded, so what is written must be said.
  const bool is_quantised = std::filesystem::path(options.model).extension() == ".gguf";
  if (is_quantised && options.dtype == "stored") {
    fail(options.model,
         ": holds quantised weights; name the type to write with --dtype float32 or bfloat16");
  }
  const auto tokenizer = load_tokenizer(options.model);
  auto model = load_pretrained(options.model);
  load_adapter(model, options.adapter);
  const auto dtype = options.dtype == "stored" ? std::nullopt : dtype_from_word(options.dtype);
  AtomicFolder target(options.output);
  const auto report = save_pretrained(model, target.temporary(), dtype);
  save_tokenizer(tokenizer, target.temporary());
  target.commit();
  std::fprintf(
      stderr,
      "merged %lld matrices; largest update of a weight %.3g, largest that rounding lost %.3g\n",
      static_cast<long long>(report.merged_matrices), report.largest_update,
      report.largest_lost_update);
  std::cout << options.output << '\n';
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Fold an adapter into its base model and write a Hugging Face folder.",
               "hone-merge");
  app.add_option("--model", options.model, "base model: a Hugging Face folder or a .gguf file")
      ->required();
  app.add_option("--adapter", options.adapter, "adapter folder")->required();
  app.add_option("--output", options.output, "folder to write")->required();
  app.add_option("--dtype", options.dtype,
                 "numbers to write: stored (as in the base), float32 or bfloat16")
      ->check(CLI::IsMember({"stored", "float32", "bfloat16"}))
      ->capture_default_str();
  app.add_flag("--overwrite", options.overwrite, "replace the output folder");
  return run_program(app, argc, argv, [&] { return merge_adapter(options); });
}
