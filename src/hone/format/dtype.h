// Element types of tensors on disk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hone {

/// Element types that hone reads and writes, named as safetensors names them.
///
/// Ordered by size and then as the reference implementation orders them: a writer that sorts by
/// this order, largest first, produces its layout.
enum class DType : std::uint8_t { BOOL, U8, I8, I16, F16, BF16, I32, F32, F64, I64 };

/// Bytes of one element.
std::size_t item_size(DType dtype);

/// The name in a safetensors header, such as `BF16`.
std::string_view dtype_name(DType dtype);

/// The type of that name; nothing for every other text.
std::optional<DType> dtype_from_name(std::string_view name);

/// Whether the safetensors format knows the name although hone does not read the type (`F8_E4M3`,
/// `C64`, `U32`, ...).
bool is_unsupported_dtype_name(std::string_view name);

/// Product of `shape`, 1 for a scalar. Nothing where a dimension is negative or the product exceeds
/// 2^63 - 1, also where a later dimension is 0.
std::optional<std::int64_t> element_count(const std::vector<std::int64_t>& shape);

/// `[2, 3]`.
std::string shape_text(const std::vector<std::int64_t>& shape);

}  // namespace hone
