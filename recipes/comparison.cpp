#include "comparison.h"

#include <algorithm>
#include <cstdio>

#include <nlohmann/json.hpp>

namespace hone::recipes {
namespace {

constexpr std::size_t kLongestAnswer = 100;  // characters of an answer shown

std::string number(double value, const char* format) {
  char text[32];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

/// One line of the answer, cut where it is long (never within a character).
std::string shortened(const std::string& text) {
  std::string line = text.substr(0, text.find('\n'));
  const bool is_cut = line.size() > kLongestAnswer || line.size() < text.size();
  if (line.size() > kLongestAnswer) {
    auto size = kLongestAnswer;
    while (size > 0 && (static_cast<unsigned char>(line[size]) & 0xc0) == 0x80) --size;
    line.resize(size);
  }
  return is_cut ? line + " ..." : line;
}

void print_row(std::ostream& out, const std::string& name, const std::vector<std::string>& cells) {
  char text[64];
  std::snprintf(text, sizeof text, "%-22s", name.c_str());
  out << text;
  for (const auto& cell : cells) {
    std::snprintf(text, sizeof text, "%12s", cell.c_str());
    out << text;
  }
  out << '\n';
}

template <typename Cell>
void print_measure(std::ostream& out,
                   const std::string& name,
                   const std::vector<Measured>& columns,
                   const Cell& cell) {
  std::vector<std::string> cells;
  for (const auto& column : columns) cells.push_back(cell(column));
  print_row(out, name, cells);
}

/// Requests spread evenly over the examples.
std::vector<std::size_t> spread(std::size_t count, std::size_t show) {
  std::vector<std::size_t> chosen;
  const auto shown = std::min(count, show);
  for (std::size_t i = 0; i < shown; ++i) chosen.push_back(i * count / shown);
  return chosen;
}

}  // namespace

void print_comparison(std::ostream& out,
                      const std::vector<AnswerExample>& examples,
                      const std::vector<Measured>& columns,
                      std::size_t show) {
  print_measure(out, std::to_string(examples.size()) + " held-out requests", columns,
                [](const Measured& m) { return m.label; });
  print_measure(out, "held-out loss", columns,
                [](const Measured& m) { return m.loss ? number(*m.loss, "%.4f") : "-"; });
  print_measure(out, "exact match", columns, [](const Measured& m) {
    return number(100 * m.scores.exact_match_rate(), "%.1f %%");
  });
  print_measure(out, "valid JSON", columns, [](const Measured& m) {
    return number(100 * m.scores.valid_json_rate(), "%.1f %%");
  });
  for (const auto i : spread(examples.size(), show)) {
    out << "\nrequest   " << shortened(examples[i].request) << '\n';
    out << "wanted    " << shortened(examples[i].reference) << '\n';
    for (const auto& column : columns) {
      char label[32];
      std::snprintf(label, sizeof label, "%-10s", column.label.c_str());
      out << label << shortened(column.answers[i].text) << '\n';
    }
  }
}

Json comparison_json(const std::vector<AnswerExample>& examples,
                     const std::vector<Measured>& columns) {
  Json json = {
      {"requests", examples.size()}, {"columns", Json::array()}, {"answers", Json::array()}};
  for (const auto& column : columns) {
    Json entry = {{"label", column.label},
                  {"exact_match", column.scores.exact_match_rate()},
                  {"valid_json", column.scores.valid_json_rate()}};
    if (column.loss) entry["loss"] = *column.loss;
    json["columns"].push_back(entry);
  }
  for (std::size_t i = 0; i < examples.size(); ++i) {
    Json entry = {{"request", examples[i].request}, {"wanted", examples[i].reference}};
    for (const auto& column : columns) entry[column.label] = column.answers[i].text;
    json["answers"].push_back(entry);
  }
  return json;
}

}  // namespace hone::recipes
