// bench-tokenize: seconds that a tokenizer takes for the lines of a text, on one thread.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <hone/base/json_io.h>
#include <hone/base/row_source.h>
#include <hone/text/tokenizer.h>

#include "program.h"

namespace {

using namespace hone;

int measure(const std::string& tokenizer_path, const std::string& input, int passes) {
  std::vector<std::string> lines;
  for_each_line(input,
                [&](std::string_view line, const std::string&) { lines.emplace_back(line); });
  for (int pass = 0; pass < passes; ++pass) {
    // Loaded anew: a second pass with the same one would find every word in its cache.
    const auto tokenizer = load_tokenizer(tokenizer_path);
    std::size_t tokens = 0;
    std::uint64_t checksum = 0;
    const auto start = std::chrono::steady_clock::now();
    for (const auto& line : lines) {
      const auto ids = tokenizer.encode(line);
      tokens += ids.size();
      for (const auto id : ids) checksum = checksum * 31 + static_cast<std::uint64_t>(id);
    }
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    Json line = Json::object();
    line["seconds"] = seconds.count();
    line["tokens"] = tokens;
    line["checksum"] = checksum;
    std::cout << to_json_line(line) << '\n';
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::string tokenizer, input;
  int passes = 1;
  CLI::App app("Time a tokenizer on the lines of a text, on one thread; one JSON line a pass.",
               "bench-tokenize");
  app.add_option("--tokenizer", tokenizer, "tokenizer: file, folder or .gguf")->required();
  app.add_option("--input", input, "text, encoded line by line")->required();
  app.add_option("--passes", passes, "times to do it, each with a fresh tokenizer")
      ->capture_default_str();
  return recipes::run_program(app, argc, argv, [&] { return measure(tokenizer, input, passes); });
}
