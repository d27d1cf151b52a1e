#include <ATen/ATen.h>

#include <hone/objective/logprobs.h>
#include <hone/objective/losses.h>

namespace hone {

at::Tensor sft_loss(const at::Tensor& logits, const at::Tensor& labels, Reduction reduction) {
  const auto sum = token_logprobs(logits, labels).sum().neg();
  if (reduction == Reduction::kSum) return sum;
  const auto targets = labels.narrow(1, 1, labels.size(1) - 1).ne(kNoTarget).sum().clamp_min(1);
  return sum / targets;
}

}  // namespace hone
