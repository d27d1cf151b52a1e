// What hone-sft says before it starts, and what a run is a function of.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>

#include <hone/causal_lm.h>
#include <hone/data/tokenized.h>
#include <hone/training/sft.h>

namespace hone::recipes {

/// Two lines: what is trained, and on what (rows, tokens, targets, updates).
void print_start(std::ostream& out,
                 const CausalLM& model,
                 const TokenizedData& data,
                 std::int64_t steps);

/// The options and data that a resumed run must share with the one that wrote the checkpoint.
Identity identity_of(const SftConfig& config, const std::string& method, const TokenizedData& data);

}  // namespace hone::recipes
