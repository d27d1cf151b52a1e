// NEFTune (Jain et al. 2023): noise on embeddings while fine-tuning.
#pragma once

#include <cstdint>
#include <vector>

#include <hone/shapes.h>

namespace hone {

/// x + u alpha / sqrt(L d), u uniform in [-1, 1) for each number, L the length of the token's own
/// sequence: a vector of noise then has the length alpha / sqrt(3) over a whole sequence. `x`: [N,
/// d], the sequences one after the other; `lengths`: [S], together N. Draws from LibTorch's
/// generator.
Tensor neftune(const Tensor& x, const std::vector<std::int64_t>& lengths, double alpha);

}  // namespace hone
