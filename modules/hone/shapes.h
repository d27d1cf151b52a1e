// The letters of every shape comment, and the check that a tensor has the shape its name promises.
//
//   B batch rows        T tokens of a row      N tokens of all rows, laid end to end without
//   padding S sequences         D hidden size          F feed-forward size H query heads       K
//   key/value heads      d head size V vocabulary        R rank of an adapter   M positions chosen
//   out of N
#pragma once

#include <cstdint>
#include <initializer_list>

#include <ATen/core/Tensor.h>

namespace hone {

using at::Tensor;

/// Any size is right at this place of `expect_shape`.
inline constexpr std::int64_t kAnySize = -1;

/// Throws `c10::Error` naming `name` unless `tensor` is defined and has `sizes` (`kAnySize`: any).
void expect_shape(const Tensor& tensor,
                  std::initializer_list<std::int64_t> sizes,
                  const char* name);

}  // namespace hone
