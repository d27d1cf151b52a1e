// Losses as pure functions of tensors, one formula each.
#pragma once

#include <ATen/core/Tensor.h>

namespace hone {

/// How the losses of tokens become one number.
enum class Reduction {
  kTokenMean,  ///< divided by the number of targets of the whole optimiser step
  kSum,        ///< the lecture's L_SFT = -sum log p
};

/// Supervised fine-tuning: the negative log-likelihood of the labelled tokens,
///
///     L_SFT = -sum_t log p(y_t | y_<t)          (divided by the number of targets for
///     `kTokenMean`)
///
/// `logits`: [B, T, V]; `labels`: [B, T], int64, -100 where no loss is taken. Returns a scalar; 0
/// without any target.
at::Tensor sft_loss(const at::Tensor& logits, const at::Tensor& labels, Reduction reduction);

}  // namespace hone
