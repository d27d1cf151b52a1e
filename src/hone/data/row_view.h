// Tokenized rows for people: text with what is trained made visible, on a terminal or as a page.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <hone/data/prompted_row.h>
#include <hone/data/row_findings.h>
#include <hone/text/tokenizer.h>

namespace hone {

/// A token as a person sees it.
struct TokenView {
  std::int32_t id = 0;
  std::string text;  ///< empty where it completes no character: the next one does
  bool trained = false;
};

/// What stands around trained text on a terminal.
struct TrainedMarks {
  std::string begin;
  std::string end;
};

/// The tokens of a row; of prompts with answers each sequence for itself, the prompt untrained and
/// the answers trained.
std::vector<TokenView> view_tokens(const TokenizedRow& row, const Tokenizer& tokenizer);
std::vector<TokenView> view_tokens(const std::vector<std::int32_t>& ids,
                                   bool trained,
                                   const Tokenizer& tokenizer);

/// The text of `tokens`, trained runs between `marks`.
std::string running_text(const std::vector<TokenView>& tokens, const TrainedMarks& marks);

/// Each token apart, as `id:text`, those trained between `marks`, line ends written as ⏎ with a
/// break behind.
std::string separate_tokens(const std::vector<TokenView>& tokens, const TrainedMarks& marks);

/// A page of rows that needs nothing but itself: each token with its id as a tooltip, trained ones
/// coloured, what was found in the file in front.
class RowPage {
 public:
  /// `title`: of the page; `summary`: a line about the file.
  RowPage(const std::string& title, const std::string& summary);

  /// What was found, once all rows were looked at.
  void add(const std::vector<RowFinding>& findings);

  /// A row, or a part of one, under a heading.
  void add(const std::string& heading, const std::vector<TokenView>& tokens);

  /// The whole page.
  std::string html() const;

 private:
  std::string head_, findings_, rows_;
};

/// `text` with the characters that HTML takes for its own written as entities.
std::string escaped_html(std::string_view text);

}  // namespace hone
