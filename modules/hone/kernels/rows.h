// Rows of fp32 or bf16 numbers seen as fp32: the shared plumbing of the row kernels.
#pragma once

#include <cstdint>
#include <vector>

#include <c10/util/BFloat16.h>

#include <hone/kernels/vectorize.h>
#include <hone/shapes.h>

namespace hone::kernels {

/// Whether a row kernel can take `tensor`: contiguous data on the CPU in fp32 or bf16.
inline bool runs_on_rows(const Tensor& tensor) {
  return tensor.device().is_cpu() &&
         (tensor.scalar_type() == at::kFloat || tensor.scalar_type() == at::kBFloat16);
}

/// bf16 to fp32 and back, rounding to nearest even.
void widen(const c10::BFloat16* from, float* to, std::int64_t count);
void narrow(const float* from, c10::BFloat16* to, std::int64_t count);

/// A row to read as fp32: fp32 rows are read where they lie, bf16 rows through a buffer of one row.
template <typename T>
class InputRow {
 public:
  explicit InputRow(std::int64_t size) : size_(size), buffer_(static_cast<std::size_t>(size)) {}
  const float* read(const T* row) {
    widen(row, buffer_.data(), size_);
    return buffer_.data();
  }

 private:
  std::int64_t size_;
  std::vector<float> buffer_;
};
template <>
class InputRow<float> {
 public:
  explicit InputRow(std::int64_t) {}
  const float* read(const float* row) { return row; }
};

/// A row to write as fp32; `done` puts a bf16 row in its place.
template <typename T>
class OutputRow {
 public:
  explicit OutputRow(std::int64_t size) : size_(size), buffer_(static_cast<std::size_t>(size)) {}
  float* begin(T*) { return buffer_.data(); }
  void done(T* row) { narrow(buffer_.data(), row, size_); }

 private:
  std::int64_t size_;
  std::vector<float> buffer_;
};
template <>
class OutputRow<float> {
 public:
  explicit OutputRow(std::int64_t) {}
  float* begin(float* row) { return row; }
  void done(float*) {}
};

}  // namespace hone::kernels
