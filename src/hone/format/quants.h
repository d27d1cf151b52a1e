// The tensor types of GGUF and how their blocks become floats.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace hone {

/// Tensor types of GGUF that hone reads, with their numbers in the file.
enum class GgmlType : std::uint32_t {
  F32 = 0,
  F16 = 1,
  Q4_0 = 2,
  Q4_1 = 3,
  Q5_0 = 6,
  Q5_1 = 7,
  Q8_0 = 8,
  Q2_K = 10,
  Q3_K = 11,
  Q4_K = 12,
  Q5_K = 13,
  Q6_K = 14,
  BF16 = 30,
};

/// The type of that number; nothing for a number that hone does not read.
std::optional<GgmlType> ggml_type_from_number(std::uint32_t number);

/// The name that GGUF gives to any type number, such as `IQ4_XS`; empty for an unknown one.
std::string_view ggml_type_name(std::uint32_t number);
std::string_view ggml_type_name(GgmlType type);

/// Elements of one block: 1, 32 or 256. A row is a whole number of blocks.
std::int64_t block_elements(GgmlType type);

/// Bytes of one block.
std::int64_t block_bytes(GgmlType type);

/// Whether elements share scales, so that a value is known only to a few bits.
bool is_quantized(GgmlType type);

/// Fills `out` with the values of `bytes`, in fp32 arithmetic, bit for bit as the reference
/// implementation.
///
/// `bytes` must be exactly the blocks of `out.size()` elements. Throws `Error` where the sizes
/// disagree.
void dequantize(GgmlType type, std::string_view bytes, std::span<float> out);

/// Fills `out` with the elements from `first` on of a tensor whose data is `bytes`: for several
/// threads or row by row.
///
/// `first` and `out.size()` must be multiples of the block. Throws `Error` where they are not or
/// leave the tensor.
void dequantize_range(GgmlType type,
                      std::string_view bytes,
                      std::int64_t first,
                      std::span<float> out);

}  // namespace hone
