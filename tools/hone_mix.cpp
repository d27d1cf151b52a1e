// hone-mix: labelled records of several sources through instruction templates, with data care.
#include <filesystem>
#include <iostream>
#include <string>

#include <hone/base/error.h>
#include <hone/base/files.h>
#include <hone/base/progress.h>
#include <hone/base/utf8.h>
#include <hone/data/mix.h>
#include <hone/data/mixture_file.h>

#include "program.h"

namespace {

using namespace hone;
using namespace hone::recipes;

struct Options {
  std::string mixture, output;
  std::string layout = "prompt-completion";
  std::string separator = "newline";
  MixOptions mix;
  bool overwrite = false;
};

void add_care_options(CLI::App& app, CareOptions& care) {
  app.add_flag("--keep-duplicates", care.keep_duplicates,
               "keep records whose words are those of an earlier one");
  app.add_option("--near", care.near_threshold,
                 "drop records as similar as this to an earlier one (Jaccard of 5-word shingles, "
                 "such as 0.8); 0: off")
      ->capture_default_str();
  app.add_option("--min-words", care.min_words, "fewest words of a record")->capture_default_str();
  app.add_option("--max-words", care.max_words, "most words of a record; 0: any")
      ->capture_default_str();
  app.add_option("--held-out", care.held_out, "share of records for held_out.jsonl")
      ->capture_default_str();
  app.add_option("--unseen", care.unseen, "sources or tasks kept out of training as a whole");
  app.add_option("--evaluation", care.evaluation,
                 "files that training must not contain: JSONL, JSON, CSV, TSV or text");
  app.add_option("--n-gram", care.n_gram, "words in a row by which a record is found in them")
      ->capture_default_str();
  app.add_flag("--keep-contaminated", care.keep_contaminated,
               "list records that hold words of an evaluation file, but keep them");
  app.add_option("--seed", care.seed, "of all draws")->capture_default_str();
}

void add_options(CLI::App& app, Options& options) {
  app.add_option("--mixture", options.mixture, "TOML file with the sources")->required();
  app.add_option("--output", options.output, "folder to write")->required();
  app.add_option("--rows", options.mix.rows,
                 "rows to train on; 0: as many as there are without repeating any")
      ->capture_default_str();
  app.add_option("--cap", options.mix.cap,
                 "a source counts for so many rows at most; 0: for all it has")
      ->capture_default_str();
  app.add_option("--layout", options.layout, "of a row: prompt-completion, or messages")
      ->capture_default_str();
  app.add_option("--separator", options.separator,
                 "between a prompt and its completion: newline, blank-line or space")
      ->capture_default_str();
  add_care_options(app, options.mix.care);
  app.add_flag("--overwrite", options.overwrite, "replace the output folder");
}

std::string separator(const std::string& name) {
  if (name == "newline") return "\n";
  if (name == "blank-line") return "\n\n";
  if (name == "space") return " ";
  fail("separator ", quote(name), " is not one of newline, blank-line, space");
}

int run(Options options) {
  if (std::filesystem::exists(options.output) && !options.overwrite)
    fail(options.output, ": exists already; give --overwrite to replace it");
  options.mix.layout = mix_layout(options.layout);
  options.mix.separator = separator(options.separator);
  validate(options.mix.care);
  const auto sources = read_mixture(options.mixture);
  AtomicFolder folder(options.output);
  Progress progress(
      std::cerr,
      {.label = "mix", .total = 0, .rate_unit = "rows", .terminal = stderr_is_terminal()});
  const auto summary = mix(sources, options.mix, folder.temporary(), [&] {
    progress.advance(1, 1);
    throw_if_stopped();
  });
  folder.commit();
  progress.finish();
  for (const auto& line : summary.lines) std::cerr << line << '\n';
  const auto show = [&](const char* name, std::int64_t rows) {
    std::cout << (std::filesystem::path(options.output) / name).string() << ": " << rows
              << " rows\n";
  };
  show("train.jsonl", summary.train);
  if (options.mix.care.held_out > 0.0) show("held_out.jsonl", summary.held_out);
  if (!options.mix.care.unseen.empty()) show("unseen.jsonl", summary.unseen);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Turn labelled records into instructions, several sources into one mixture.",
               "hone-mix");
  add_options(app, options);
  return run_program(app, argc, argv, [&] { return run(options); });
}
