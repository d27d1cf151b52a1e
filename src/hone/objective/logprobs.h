// Log-probabilities of the tokens of a text under a model's logits.
#pragma once

#include <ATen/core/Tensor.h>

namespace hone {

/// The label of a token on which no loss is taken.
inline constexpr std::int64_t kNoTarget = -100;

/// log p(label[t+1] | tokens up to t), shifted inside: `logits`: [B, T, V]; `labels`: [B, T],
/// int64, `kNoTarget` where there is none. Returns [B, T-1], fp32 (double for double), 0 where the
/// label is `kNoTarget`.
at::Tensor token_logprobs(const at::Tensor& logits, const at::Tensor& labels);

}  // namespace hone
