// A matrix that stays packed in memory and is expanded row by row where it is used.
#pragma once

#include <cstdint>
#include <string>

#include <hone/shapes.h>

namespace hone::kernels {

/// A frozen [out, in] matrix in some quantised form.
class PackedWeight {
 public:
  virtual ~PackedWeight() = default;

  virtual std::int64_t rows() const = 0;      ///< out
  virtual std::int64_t columns() const = 0;   ///< in
  virtual std::int64_t bytes() const = 0;     ///< memory that the packed numbers take
  virtual std::string type_name() const = 0;  ///< such as `Q4_0`

  /// The rows `first` to `first + count - 1` in fp32, one after the other. Called from several
  /// threads at once.
  virtual void decode_rows(std::int64_t first, std::int64_t count, float* out) const = 0;

  /// All of it, [out, in].
  Tensor dequantize(at::ScalarType dtype) const;
};

}  // namespace hone::kernels
