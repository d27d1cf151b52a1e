#include <array>
#include <utility>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/types.h>

#include <hone/base/error.h>
#include <hone/model/tensor_files.h>

namespace hone {
namespace {

struct Named {
  DType disk;
  at::ScalarType memory;
  std::string_view word;
};
constexpr std::array<Named, 10> kDTypes = {{{DType::BOOL, at::kBool, "bool"},
                                            {DType::U8, at::kByte, "uint8"},
                                            {DType::I8, at::kChar, "int8"},
                                            {DType::I16, at::kShort, "int16"},
                                            {DType::F16, at::kHalf, "float16"},
                                            {DType::BF16, at::kBFloat16, "bfloat16"},
                                            {DType::I32, at::kInt, "int32"},
                                            {DType::F32, at::kFloat, "float32"},
                                            {DType::F64, at::kDouble, "float64"},
                                            {DType::I64, at::kLong, "int64"}}};

constexpr std::int64_t kExpandGrain = 1 << 16;  // elements per task

/// A tensor over bytes of a map.
at::Tensor over_bytes(std::string_view bytes,
                      const std::vector<std::int64_t>& shape,
                      at::ScalarType type,
                      std::shared_ptr<const void> owner) {
  const auto options = at::TensorOptions().dtype(type);
  if (bytes.empty()) return at::empty(shape, options);
  auto* data =
      const_cast<char*>(bytes.data());  // the map is private: writing never reaches the file
  return at::from_blob(
      data, shape, [owner = std::move(owner)](void*) {}, options);
}

}  // namespace

at::ScalarType scalar_type_of(DType dtype) {
  for (const auto& named : kDTypes) {
    if (named.disk == dtype) return named.memory;
  }
  fail("dtype ", dtype_name(dtype), " is not supported");
}

DType dtype_of(at::ScalarType type) {
  for (const auto& named : kDTypes) {
    if (named.memory == type) return named.disk;
  }
  fail("tensors of dtype ", at::toString(type), " cannot be written to safetensors");
}

std::string dtype_word(at::ScalarType type) {
  for (const auto& named : kDTypes) {
    if (named.memory == type) return std::string(named.word);
  }
  return at::toString(type);
}

std::optional<at::ScalarType> dtype_from_word(std::string_view word) {
  for (const auto& named : kDTypes) {
    if (named.word == word) return named.memory;
  }
  return std::nullopt;
}

at::Tensor map_tensor(const TensorView& view, std::shared_ptr<const void> owner) {
  const auto type = scalar_type_of(view.dtype);
  if (is_aligned(view)) return over_bytes(view.bytes, view.shape, type, std::move(owner));
  auto copy = at::empty(view.shape, at::TensorOptions().dtype(type));
  std::memcpy(copy.mutable_data_ptr(), view.bytes.data(), view.bytes.size());
  return copy;
}

at::Tensor expand_tensor(const GgufTensor& tensor, std::shared_ptr<const void> owner) {
  const std::vector<std::int64_t> shape(tensor.shape.rbegin(), tensor.shape.rend());
  if (tensor.type == GgmlType::F32)
    return over_bytes(tensor.bytes, shape, at::kFloat, std::move(owner));
  if (tensor.type == GgmlType::F16)
    return over_bytes(tensor.bytes, shape, at::kHalf, std::move(owner));
  if (tensor.type == GgmlType::BF16)
    return over_bytes(tensor.bytes, shape, at::kBFloat16, std::move(owner));
  auto expanded = at::empty(shape, at::kFloat);
  auto* out = expanded.mutable_data_ptr<float>();
  const auto block = block_elements(tensor.type);
  at::parallel_for(
      0, expanded.numel() / block, kExpandGrain / block, [&](std::int64_t begin, std::int64_t end) {
        const auto count = static_cast<std::size_t>((end - begin) * block);
        dequantize_range(tensor.type, tensor.bytes, begin * block, {out + begin * block, count});
      });
  return expanded;
}

TensorView view_of(const std::string& name, const at::Tensor& tensor) {
  TORCH_CHECK(tensor.is_contiguous() && tensor.device().is_cpu(), name,
              ": not contiguous CPU memory");
  return {.name = name,
          .dtype = dtype_of(tensor.scalar_type()),
          .shape = tensor.sizes().vec(),
          .bytes = {static_cast<const char*>(tensor.const_data_ptr()), tensor.nbytes()}};
}

void write_tensors(const std::filesystem::path& path,
                   const std::map<std::string, at::Tensor>& tensors,
                   const std::map<std::string, std::string>& metadata,
                   Checksum checksum) {
  std::vector<at::Tensor> held;
  std::vector<TensorView> views;
  for (const auto& [name, tensor] : tensors) {
    held.push_back(tensor.detach().cpu().contiguous());
    views.push_back(view_of(name, held.back()));
  }
  write_safetensors(path, views, metadata, checksum);
}

}  // namespace hone
