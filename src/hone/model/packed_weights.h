// Packed matrices: blocks of a GGUF file as they lie in it, NF4, and 8-bit integers.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include <hone/format/gguf.h>
#include <hone/kernels/packed_weight.h>

namespace hone {

using PackedPointer = std::shared_ptr<const kernels::PackedWeight>;

/// The blocks of `tensor`, not copied: `owner` (the map) is kept alive. `row_of[i]` is the row of
/// the file that is row i here; empty: the same. Throws `Error` where the tensor is no matrix, its
/// rows are no whole blocks, or `bytes` are not what its shape takes.
PackedPointer pack_gguf(const GgufTensor& tensor,
                        std::shared_ptr<const void> owner,
                        std::vector<std::int64_t> row_of = {});

/// `weight` [out, in] in NF4, its scales quantised too where `double_quantised`. Throws `Error`
/// where the width is no multiple of 64 or a number is not finite.
PackedPointer pack_nf4(const at::Tensor& weight, bool double_quantised = true);

/// `weight` [out, in] in 8-bit integers, one scale for each row. Throws `Error` where a number is
/// not finite.
PackedPointer pack_int8(const at::Tensor& weight);

}  // namespace hone
