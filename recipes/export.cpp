// hone-export: a model as a GGUF file, an adapter folded in.
#include <filesystem>
#include <iostream>
#include <map>

#include <hone/base/error.h>
#include <hone/base/files.h>
#include <hone/model/gguf_export.h>
#include <hone/model/peft.h>
#include <hone/model/pretrained.h>
#include <hone/text/gguf_vocabulary.h>
#include <hone/text/tokenizer.h>
#include <hone/text/tokenizer_model.h>

#include "options.h"
#include "program.h"

namespace {

using namespace hone;
using namespace hone::recipes;

struct Options {
  std::string model, adapter, output;
  std::string type = "f16";
  bool adapter_only = false;
  bool overwrite = false;
};

const std::map<std::string, GgmlType> kTypes = {{"f32", GgmlType::F32},
                                                {"f16", GgmlType::F16},
                                                {"bf16", GgmlType::BF16},
                                                {"q8_0", GgmlType::Q8_0},
                                                {"q4_0", GgmlType::Q4_0}};

int export_model(const Options& options) {
  if (std::filesystem::exists(options.output) && !options.overwrite)
    fail(options.output, ": exists already; give --overwrite to replace it");
  if (options.adapter_only && options.adapter.empty())
    throw Error("--adapter-only needs --adapter");
  auto model = load_pretrained(options.model);
  if (!options.adapter.empty()) load_adapter(model, options.adapter);
  if (options.adapter_only) {
    save_gguf_adapter(model, options.output);
    std::cout << options.output << '\n';
    return 0;
  }
  const auto tokenizer = load_tokenizer(options.model);
  const auto vocabulary = gguf_vocabulary_of(tokenizer.model().parts(), model->config.vocab_size);
  const auto name = std::filesystem::path(options.model).lexically_normal().stem().string();
  save_gguf(model, options.output, kTypes.at(options.type), [&](GgufWriter& writer) {
    writer.add_string("general.name", name);
    add_vocabulary(writer, vocabulary);
  });
  std::cout << options.output << '\n';
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Write a model as a GGUF file, for llama.cpp and what reads its format.",
               "hone-export");
  app.add_option("--model", options.model, "model: a Hugging Face folder or a .gguf file")
      ->required();
  app.add_option("--adapter", options.adapter, "adapter folder, folded into the model");
  app.add_option("--output", options.output, ".gguf file to write")->required();
  app.add_option("--type", options.type, "numbers of the matrices: f32, f16, bf16, q8_0 or q4_0")
      ->check(CLI::IsMember({"f32", "f16", "bf16", "q8_0", "q4_0"}))
      ->capture_default_str();
  app.add_flag(flag("adapter_only"), options.adapter_only,
               "write the adapter by itself, for the base as GGUF; its matrices are f32");
  app.add_flag("--overwrite", options.overwrite, "replace the output file");
  return run_program(app, argc, argv, [&] { return export_model(options); });
}
