// hone-inspect: tokenized rows as text, with what is trained made visible.
#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <string>

#include <unistd.h>

#include <hone/base/error.h>
#include <hone/base/progress.h>
#include <hone/data/tokenized.h>
#include <hone/text/tokenizer.h>

#include "program.h"

namespace {

using namespace hone;
using namespace hone::recipes;

struct Options {
  std::string model, tokenizer, input;
  std::size_t rows = 3;
  std::size_t first = 1;
};

/// What stands around trained text.
struct Marks {
  std::string begin;
  std::string end;
};

Marks marks_for_stdout() {
  const char* no_color = std::getenv("NO_COLOR");
  const bool coloured = ::isatty(STDOUT_FILENO) != 0 && (no_color == nullptr || *no_color == '\0');
  return coloured ? Marks{"\x1b[1;32m", "\x1b[0m"} : Marks{"[[", "]]"};
}

/// The row's text, trained runs between marks. A character belongs to the token that completes it.
std::string mark_trained(const TokenizedRow& row, const Tokenizer& tokenizer, const Marks& marks) {
  StreamDecoder decoder(tokenizer, /*skip_special_tokens=*/false);
  std::string text;
  bool trained = false;
  for (std::size_t i = 0; i < row.input_ids.size(); ++i) {
    const auto piece = decoder.push(row.input_ids[i]);
    const bool is_trained = row.labels[i] != kIgnoredLabel;
    if (is_trained != trained) text += is_trained ? marks.begin : marks.end;
    trained = is_trained;
    text += piece;
  }
  text += decoder.finish();
  return trained ? text + marks.end : text;
}

std::string number(std::int64_t value) {
  return format_count(static_cast<double>(value));
}

int inspect(const Options& options) {
  if (options.model.empty() && options.tokenizer.empty()) fail("give --model or --tokenizer");
  const auto tokenizer = load_tokenizer(options.model.empty() ? options.tokenizer : options.model);
  const auto data = read_tokenized(
      options.input,
      {.tokenizer = tokenizer.hash(), .vocab_size = tokenizer.vocab_size(), .max_length = 0});
  const auto& header = data.header;
  std::cout << options.input << ": " << number(header.rows) << " rows, " << number(header.tokens)
            << " tokens, " << number(header.trained_tokens) << " trained, from " << header.source
            << '\n';
  const auto marks = marks_for_stdout();
  const auto begin = std::max<std::size_t>(options.first, 1) - 1;
  const auto end = std::min(data.rows.size(), begin + std::min(options.rows, data.rows.size()));
  for (auto i = begin; i < end; ++i) {
    const auto& row = data.rows[i];
    std::cout << "\nrow " << i + 1 << ": " << row.input_ids.size() << " tokens, "
              << count_trained(row) << " trained\n"
              << mark_trained(row, tokenizer, marks) << '\n';
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app(
      "Show tokenized rows as text; what is trained is green, or in [[ ]] where there is no "
      "colour.",
      "hone-inspect");
  app.add_option("input", options.input, "tokenized JSONL, made by hone-convert")->required();
  app.add_option("--model", options.model, "model the rows were made for: folder or .gguf");
  app.add_option("--tokenizer", options.tokenizer,
                 "tokenizer alone: tokenizer.json, .model, folder or .gguf");
  app.add_option("--rows", options.rows, "rows to show")->capture_default_str();
  app.add_option("--first", options.first, "number of the first row to show, from 1")
      ->capture_default_str();
  return run_program(app, argc, argv, [&] { return inspect(options); });
}
