// What hone-sft says before it starts, and what a run is a function of.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>

#include <hone/causal_lm.h>
#include <hone/data/tokenized.h>
#include <hone/training/forecast.h>
#include <hone/training/sft.h>

namespace hone::recipes {

/// Two lines: what is trained, and on what (rows, tokens, targets, updates).
void print_start(std::ostream& out,
                 const CausalLM& model,
                 const OptimizationConfig& config,
                 const TokenizedData& data,
                 std::int64_t steps);

/// Memory by part at the peak of an update, and the time that updates take.
void print_forecast(std::ostream& out, const Forecast& forecast, std::int64_t steps);

/// One line: what was forecast, and what a run of `seconds` over `steps` updates took.
void print_comparison(std::ostream& out,
                      const Forecast& forecast,
                      std::int64_t steps,
                      double seconds);

/// The options and data that a resumed run must share with the one that wrote the checkpoint.
Identity identity_of(const SftConfig& config, const std::string& method, const TokenizedData& data);

}  // namespace hone::recipes
