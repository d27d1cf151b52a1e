#include <cmath>

#include <ATen/ATen.h>

#include <hone/neftune.h>

namespace hone {

Tensor neftune(const Tensor& x, const std::vector<std::int64_t>& lengths, double alpha) {
  std::vector<double> scales;
  for (const auto length : lengths)
    scales.push_back(alpha / std::sqrt(static_cast<double>(length * x.size(1))));
  const auto of_tokens =
      at::repeat_interleave(at::tensor(scales, at::kDouble), at::tensor(lengths, at::kLong));
  expect_shape(x, {of_tokens.size(0), kAnySize}, "x");
  return x + at::empty_like(x).uniform_(-1, 1) * of_tokens.to(x.options()).unsqueeze(1);
}

}  // namespace hone
