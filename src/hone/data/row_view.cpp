#include <hone/base/error.h>
#include <hone/data/row_view.h>

namespace hone {
namespace {

constexpr const char* kPageStyle =
    ":root{color-scheme:light dark}"
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "pre{white-space:pre-wrap;overflow-wrap:anywhere;font:14px/1.6 ui-monospace,monospace;"
    "border:1px solid #8886;border-radius:6px;padding:.6rem}"
    "span{border-left:1px solid #8884}"
    "span.t{background:#2a92;color:light-dark(#063,#7e9);font-weight:600}"
    ".finding{color:light-dark(#a40,#fb6)}";

}  // namespace

std::string escaped_html(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        // Control characters have no place in a page; a box stands for them.
        out += (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') || c == 0x7f
                   ? std::string("\u25a1")
                   : std::string(1, c);
    }
  }
  return out;
}

std::vector<TokenView> view_tokens(const TokenizedRow& row, const Tokenizer& tokenizer) {
  auto tokens = view_tokens(row.input_ids, false, tokenizer);
  for (std::size_t i = 0; i < tokens.size(); ++i)
    tokens[i].trained = row.labels[i] != kIgnoredLabel;
  return tokens;
}

std::vector<TokenView> view_tokens(const std::vector<std::int32_t>& ids,
                                   bool trained,
                                   const Tokenizer& tokenizer) {
  StreamDecoder decoder(tokenizer, /*skip_special_tokens=*/false);
  std::vector<TokenView> tokens;
  for (const auto id : ids) tokens.push_back({id, decoder.push(id), trained});
  if (!tokens.empty()) tokens.back().text += decoder.finish();
  return tokens;
}

std::string running_text(const std::vector<TokenView>& tokens, const TrainedMarks& marks) {
  std::string text;
  bool trained = false;
  for (const auto& token : tokens) {
    if (token.trained != trained) text += token.trained ? marks.begin : marks.end;
    trained = token.trained;
    text += token.text;
  }
  return trained ? text + marks.end : text;
}

std::string separate_tokens(const std::vector<TokenView>& tokens, const TrainedMarks& marks) {
  std::string text;
  for (const auto& token : tokens) {
    std::string shown;
    bool breaks = false;
    for (const char c : token.text) {
      breaks |= c == '\n';
      shown += c == '\n' ? std::string("\u23ce") : std::string(1, c);
    }
    const auto piece = concat(token.id, ":", shown);
    text += token.trained ? marks.begin + piece + marks.end : piece;
    text += breaks ? "\n" : "|";
  }
  return text;
}

RowPage::RowPage(const std::string& title, const std::string& summary) {
  head_ = concat("<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>",
                 escaped_html(title), "</title>\n<style>", kPageStyle, "</style>\n<h1>",
                 escaped_html(title), "</h1>\n<p>", escaped_html(summary), "</p>\n");
}

void RowPage::add(const std::vector<RowFinding>& findings) {
  for (const auto& finding : findings) {
    findings_ += concat("<li class=\"finding\">", escaped_html(finding.what), ": ", finding.rows,
                        " rows, first row ", finding.first_row, "</li>\n");
  }
}

void RowPage::add(const std::string& heading, const std::vector<TokenView>& tokens) {
  rows_ += concat("<h2>", escaped_html(heading), "</h2>\n<pre>");
  for (const auto& token : tokens) {
    rows_ += concat("<span", token.trained ? " class=\"t\"" : "", " title=\"", token.id, "\">",
                    escaped_html(token.text), "</span>");
  }
  rows_ += "</pre>\n";
}

std::string RowPage::html() const {
  const auto list = findings_.empty() ? std::string("<p>Nothing looks wrong.</p>\n")
                                      : "<ul>\n" + findings_ + "</ul>\n";
  return head_ + list + rows_ + "</html>\n";
}

}  // namespace hone
