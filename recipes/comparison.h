// The table that ends a fine-tuning: loss and answers before and after.
#pragma once

#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include <hone/base/json_io.h>
#include <hone/evaluation/answers.h>

namespace hone::recipes {

/// One column: a model and what was measured of it.
struct Measured {
  std::string label = {};
  std::optional<double> loss = std::nullopt;  ///< mean of -log p over the held-out targets
  AnswerScores scores = {};
  std::vector<Generation> answers = {};
};

/// Loss, exact match and valid JSON of each column, then `show` requests with every answer to them.
void print_comparison(std::ostream& out,
                      const std::vector<AnswerExample>& examples,
                      const std::vector<Measured>& columns,
                      std::size_t show);

/// The same with every answer.
Json comparison_json(const std::vector<AnswerExample>& examples,
                     const std::vector<Measured>& columns);

}  // namespace hone::recipes
