// hone-inspect on tokenized rows: what is trained, and what looks wrong.
#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <utility>

#include <unistd.h>

#include <hone/base/error.h>
#include <hone/base/files.h>
#include <hone/base/progress.h>
#include <hone/data/row_findings.h>
#include <hone/data/row_view.h>

#include "inspect.h"
#include "program.h"

namespace hone::tools {
namespace {

TrainedMarks marks_for_stdout() {
  const char* no_color = std::getenv("NO_COLOR");
  const bool coloured = ::isatty(STDOUT_FILENO) != 0 && (no_color == nullptr || *no_color == '\0');
  return coloured ? TrainedMarks{"\x1b[1;32m", "\x1b[0m"} : TrainedMarks{"[[", "]]"};
}

std::string summary_of(const TokenizedHeader& header) {
  const auto kind =
      header.kind == RecordKind::kSft ? "" : concat(" of kind ", kind_name(header.kind));
  return concat(format_count(header.rows), " rows", kind, ", ", format_count(header.tokens),
                " tokens, ", format_count(header.trained_tokens), " trained, from ", header.source);
}

/// A stretch of a row with what it is called.
using Part = std::pair<std::string, std::vector<TokenView>>;

std::vector<Part> parts_of(const TokenizedRow& row, RecordKind, const Tokenizer& tokenizer) {
  return {{concat(row.input_ids.size(), " tokens, ", count_trained(row), " trained"),
           view_tokens(row, tokenizer)}};
}

std::vector<Part> parts_of(const PromptedRow& row, RecordKind kind, const Tokenizer& tokenizer) {
  std::vector<Part> parts = {{concat("prompt, ", row.prompt.size(), " tokens"),
                              view_tokens(row.prompt, false, tokenizer)}};
  for (std::size_t i = 0; i < row.answers.size(); ++i) {
    const bool is_pair = kind == RecordKind::kPreference;
    const auto name = is_pair ? (i == 0 ? "chosen" : "rejected") : "completion";
    const auto value = !is_pair && i < row.values.size() ? concat(" (", row.values[i], ")") : "";
    parts.emplace_back(concat(name, value, ", ", row.answers[i].size(), " tokens"),
                       view_tokens(row.answers[i], true, tokenizer));
  }
  return parts;
}

/// Looks at all rows and keeps what is to be shown.
class RowsReport {
 public:
  RowsReport(const InspectOptions& options, const Tokenizer& tokenizer, std::int64_t max_length)
      : options_(options), tokenizer_(tokenizer), findings_(tokenizer, max_length) {}

  template <typename Row>
  void take(const Row& row, RecordKind kind) {
    if constexpr (std::is_same_v<Row, TokenizedRow>) {
      findings_.look_at(row);
    } else {
      findings_.look_at(row, kind);
    }
    ++number_;
    if (number_ < options_.first || shown_ >= options_.rows) return;
    ++shown_;
    for (auto& [name, tokens] : parts_of(row, kind, tokenizer_))
      parts_.emplace_back(concat("row ", number_, ": ", name), std::move(tokens));
  }

  void print(std::ostream& out) const {
    const auto marks = marks_for_stdout();
    for (const auto& finding : findings_.findings()) {
      out << "looks wrong: " << finding.what << ": " << format_count(finding.rows)
          << " rows, first row " << finding.first_row << '\n';
    }
    for (const auto& [heading, tokens] : parts_) {
      out << '\n'
          << heading << '\n'
          << (options_.tokens ? separate_tokens(tokens, marks) : running_text(tokens, marks))
          << '\n';
    }
  }

  std::string page(const std::string& title, const std::string& summary) const {
    RowPage page(title, summary);
    page.add(findings_.findings());
    for (const auto& [heading, tokens] : parts_) page.add(heading, tokens);
    return page.html();
  }

 private:
  const InspectOptions& options_;
  const Tokenizer& tokenizer_;
  RowFindings findings_;
  std::vector<Part> parts_;
  std::size_t number_ = 0, shown_ = 0;
};

}  // namespace

int inspect_rows(const InspectOptions& options, const Tokenizer& tokenizer) {
  const auto header = read_tokenized_header(options.input);
  const TokenizedCheck check{
      .tokenizer = tokenizer.hash(), .vocab_size = tokenizer.vocab_size(), .max_length = 0};
  RowsReport report(options, tokenizer, header.max_length);
  Progress progress(std::cerr, {.label = "inspect",
                                .total = header.rows,
                                .rate_unit = "tokens",
                                .terminal = stderr_is_terminal()});
  const auto take = [&](const auto& row, std::int64_t tokens) {
    report.take(row, header.kind);
    progress.advance(1, static_cast<double>(tokens));
    recipes::throw_if_stopped();
  };
  if (header.kind == RecordKind::kSft) {
    for_each_tokenized(options.input, check, [&](const TokenizedRow& row) {
      take(row, static_cast<std::int64_t>(row.input_ids.size()));
    });
  } else {
    for_each_prompted(options.input, header.kind, check,
                      [&](const PromptedRow& row) { take(row, count_tokens(row)); });
  }
  progress.finish();
  const auto summary = summary_of(header);
  std::cout << options.input << ": " << summary << '\n';
  report.print(std::cout);
  if (!options.html.empty()) {
    write_file(options.html, report.page(options.input, summary));
    std::cout << options.html << '\n';
  }
  return 0;
}

}  // namespace hone::tools
