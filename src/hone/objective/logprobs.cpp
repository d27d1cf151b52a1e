#include <ATen/ATen.h>

#include <hone/objective/logprobs.h>

namespace hone {

at::Tensor token_logprobs(const at::Tensor& logits, const at::Tensor& labels) {
  TORCH_CHECK(logits.dim() == 3 && labels.dim() == 2 && logits.size(0) == labels.size(0) &&
                  logits.size(1) == labels.size(1),
              "token_logprobs: logits must be [B, T, V] and labels [B, T], got ", logits.sizes(),
              " and ", labels.sizes());
  const auto places = labels.size(1) - 1;
  const auto targets = labels.narrow(1, 1, places);
  auto predictions = logits.narrow(1, 0, places);
  if (predictions.scalar_type() != at::kDouble) predictions = predictions.to(at::kFloat);
  const auto chosen =
      predictions.log_softmax(-1).gather(-1, targets.clamp_min(0).unsqueeze(-1)).squeeze(-1);
  return chosen.masked_fill(targets.eq(kNoTarget), 0);
}

}  // namespace hone
