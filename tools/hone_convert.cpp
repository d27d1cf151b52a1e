// hone-convert: data files in the layouts people use, to tokenized rows.
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <hone/base/error.h>
#include <hone/base/files.h>
#include <hone/base/progress.h>
#include <hone/data/convert_files.h>
#include <hone/data/dataset_info.h>
#include <hone/text/builtin_templates.h>

#include "program.h"

namespace {

using namespace hone;
using namespace hone::recipes;

struct Options {
  std::string model, tokenizer, output, chat_template;
  std::vector<std::string> input, columns;
  std::string dataset_info, dataset;
  std::string format = "auto";
  std::string train_on = "assistant";
  std::string overflow = "drop";
  ConvertOptions convert;
  std::size_t threads = std::max(1u, std::thread::hardware_concurrency());
  bool no_eos = false;
  bool overwrite = false;
};

void add_options(CLI::App& app, Options& options) {
  app.add_option("--model", options.model,
                 "model whose tokenizer and chat template to use: folder or .gguf");
  app.add_option("--tokenizer", options.tokenizer,
                 "tokenizer alone: tokenizer.json, .model, folder or .gguf");
  app.add_option(
      "--input", options.input,
      "JSONL, JSON array, .csv or .tsv (each also .gz or .zst); several files become one");
  app.add_option("--dataset-info", options.dataset_info,
                 "LLaMA-Factory's dataset_info.json, instead of --input, --format and --columns");
  app.add_option("--dataset", options.dataset, "name of a data set in it");
  app.add_option("--output", options.output, "tokenized JSONL to write")->required();
  app.add_option("--format", options.format,
                 "layout of the rows: " + record_format_names() + "; auto tells it by their keys")
      ->capture_default_str();
  app.add_option("--columns", options.columns,
                 "keys under other names, such as prompt=question,completion=answer")
      ->delimiter(',');
  app.add_option(
         "--train-on", options.train_on,
         "what is learnt: assistant (every reply with its end token; the completion), last, or all")
      ->capture_default_str();
  app.add_option("--max-length", options.convert.max_length, "longest row in tokens; 0: any")
      ->capture_default_str();
  app.add_option("--overflow", options.overflow,
                 "rows that are longer: drop, keep_start, keep_end, proportional (cut prompts and "
                 "answers by their shares), or error")
      ->capture_default_str();
  app.add_option("--chat-template", options.chat_template,
                 "Jinja file, or name of a built-in template (" + builtin_template_list() +
                     "), instead of "
                     "the model's own");
  app.add_option("--threads", options.threads, "threads that convert; the rows are the same")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  app.add_flag("--no-eos", options.no_eos, "do not put the end token behind plain completions");
  app.add_flag("--overwrite", options.overwrite, "replace the output file");
}

/// The template of --chat-template or the model's own, or nothing: plain prompts need none.
std::optional<ChatTemplate> find_template(const Options& options, const Tokenizer& tokenizer) {
  const auto source = options.chat_template.empty()
                          ? tokenizer.chat_template()
                          : chat_template_source(options.chat_template, tokenizer);
  if (source.empty()) return std::nullopt;
  return ChatTemplate(source, tokenizer);
}

std::int64_t megabytes(std::uint64_t bytes) {
  return static_cast<std::int64_t>(bytes / 1'000'000);
}

/// The names of the input files, without their folders.
std::string source_names(const std::vector<std::string>& paths) {
  std::string names;
  for (const auto& path : paths) {
    names += (names.empty() ? "" : ", ") + std::filesystem::path(path).filename().string();
  }
  return names;
}

/// How the rows of the input are laid out. A data set by name sets `options.input` too.
RecordOptions record_options(Options& options) {
  if (options.dataset_info.empty() != options.dataset.empty())
    fail("give --dataset-info and --dataset together");
  if (options.input.empty() == options.dataset.empty())
    fail("give --input, or --dataset-info and --dataset");
  if (!options.dataset.empty()) {
    if (options.format != "auto" || !options.columns.empty())
      fail("--dataset-info says how the rows are laid out; leave out --format and --columns");
    const auto dataset = read_dataset_info(options.dataset_info, options.dataset);
    options.input = {dataset.file.string()};
    return dataset.options;
  }
  RecordOptions records;
  records.format = record_format(options.format);
  for (const auto& text : options.columns) records.columns.insert(column_name(text));
  return records;
}

/// Throws `Interrupted` where Ctrl-C was pressed.
ConvertSummary convert_inputs(const Options& options,
                              const RecordOptions& records,
                              const Converter& converter,
                              TokenizedWriter& writer) {
  std::optional<Progress> progress;
  ConvertProgress shown;
  const auto tick = [&](const ConvertProgress& now) {
    if (!progress) {
      progress.emplace(std::cerr, Progress::Options{.label = "convert",
                                                    .total = megabytes(now.all_bytes),
                                                    .step_unit = "MB",
                                                    .rate_unit = "tokens",
                                                    .terminal = stderr_is_terminal()});
    }
    progress->advance(megabytes(now.bytes) - megabytes(shown.bytes),
                      static_cast<double>(now.tokens - shown.tokens));
    shown = now;
    throw_if_stopped();
  };
  return convert_files({options.input.begin(), options.input.end()}, records, converter, writer,
                       options.threads, tick);
}

int convert(Options options) {
  if (std::filesystem::exists(options.output) && !options.overwrite) {
    fail(options.output, ": exists already; give --overwrite to replace it");
  }
  if (options.model.empty() == options.tokenizer.empty())
    fail("give --model or --tokenizer, not both");
  options.convert.train_on = train_on(options.train_on);
  options.convert.overflow = overflow(options.overflow);
  options.convert.append_eos = !options.no_eos;
  const auto tokenizer = load_tokenizer(options.model.empty() ? options.tokenizer : options.model);
  const Converter converter(tokenizer, find_template(options, tokenizer), options.convert);
  const auto records = record_options(options);
  auto header = converter.header();
  header.source = source_names(options.input);
  TokenizedWriter writer(options.output, header);
  const auto summary = convert_inputs(options, records, converter, writer);
  for (const auto& line : describe(summary)) std::cerr << line << '\n';
  if (summary.written == 0) fail(options.output, ": not written: no trainable tokens");
  writer.commit();
  std::cout << options.output << '\n';
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Turn examples into ids and labels; only replies and their end tokens are trained.",
               "hone-convert");
  add_options(app, options);
  return run_program(app, argc, argv, [&] { return convert(options); });
}
