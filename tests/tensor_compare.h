// How tests compare tensors.
#pragma once

#include <ATen/ATen.h>

#include <hone/format/safetensors.h>
#include <hone/model/tensor_files.h>

namespace hone::testing {

/// Largest absolute difference over largest absolute value of `expected`.
inline double relative_difference(const at::Tensor& got, const at::Tensor& expected) {
  TORCH_CHECK(got.sizes() == expected.sizes(), "shapes differ: ", got.sizes(), " and ",
              expected.sizes());
  const auto wanted = expected.to(at::kDouble);
  return (got.detach().to(at::kDouble) - wanted).abs().max().item<double>() /
         std::max(wanted.abs().max().item<double>(), 1e-30);
}

/// Whether two tensors hold the same bits.
inline bool same_bits(const at::Tensor& a, const at::Tensor& b) {
  if (a.sizes() != b.sizes() || a.scalar_type() != b.scalar_type()) return false;
  const auto left = a.detach().contiguous(), right = b.detach().contiguous();
  return std::memcmp(left.const_data_ptr(), right.const_data_ptr(), left.nbytes()) == 0;
}

/// One tensor of a safetensors file.
inline at::Tensor stored(const std::filesystem::path& file, const std::string& name) {
  const SafetensorsFile opened(file);
  return map_tensor(opened.at(name), opened.owner()).clone();
}

}  // namespace hone::testing
