// Tensors of files as LibTorch tensors: mapped where they can be, converted where they must be.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include <ATen/core/Tensor.h>

#include <hone/format/gguf.h>
#include <hone/format/safetensors.h>

namespace hone {

/// The LibTorch dtype of a dtype on disk, and back. The reverse throws `Error` for a dtype that
/// safetensors lacks.
at::ScalarType scalar_type_of(DType dtype);
DType dtype_of(at::ScalarType type);

/// `float32`, `bfloat16`, ... as config.json writes dtypes, and back; nothing for every other word.
std::string dtype_word(at::ScalarType type);
std::optional<at::ScalarType> dtype_from_word(std::string_view word);

/// `view` without a copy: the tensor keeps `owner` (the map) alive. Bytes that are not aligned for
/// their dtype are copied.
at::Tensor map_tensor(const TensorView& view, std::shared_ptr<const void> owner);

/// The elements of `tensor` in fp32 (unquantised types: in their own dtype, without a copy),
/// outermost dimension first as LibTorch has it. Blocks are expanded by all threads.
at::Tensor expand_tensor(const GgufTensor& tensor, std::shared_ptr<const void> owner);

/// A view of the bytes of `tensor`, which must be contiguous, on the CPU, and outlive it.
TensorView view_of(const std::string& name, const at::Tensor& tensor);

/// Writes named tensors as one safetensors file. See `write_safetensors`.
void write_tensors(const std::filesystem::path& path,
                   const std::map<std::string, at::Tensor>& tensors,
                   const std::map<std::string, std::string>& metadata,
                   Checksum checksum);

}  // namespace hone
