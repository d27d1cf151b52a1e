#include <utility>

#include <ATen/ATen.h>

#include <hone/base/error.h>
#include <hone/format/nf4.h>
#include <hone/format/quants.h>
#include <hone/model/packed_weights.h>

namespace hone {
namespace {

class GgufBlocks : public kernels::PackedWeight {
 public:
  GgufBlocks(const GgufTensor& tensor,
             std::shared_ptr<const void> owner,
             std::vector<std::int64_t> row_of)
      : type_(tensor.type),
        bytes_(tensor.bytes),
        owner_(std::move(owner)),
        row_of_(std::move(row_of)) {
    if (tensor.shape.size() != 2)
      fail("tensor \"", tensor.name, "\" has ", tensor.shape.size(), " dimensions, not two");
    columns_ = tensor.shape[0];
    rows_ = tensor.shape[1];
    const auto block = block_elements(type_);
    if (columns_ % block != 0)
      fail("tensor \"", tensor.name, "\": rows of ", columns_, " numbers are not whole blocks of ",
           block, " (", type_name(), ")");
    const auto needed = rows_ * (columns_ / block) * block_bytes(type_);
    if (bytes() != needed)
      fail("tensor \"", tensor.name, "\" has ", bytes(), " bytes, ", rows_, " x ", columns_,
           " numbers in ", type_name(), " take ", needed);
    TORCH_CHECK(row_of_.empty() || static_cast<std::int64_t>(row_of_.size()) == rows_,
                "an order of ", row_of_.size(), " rows for ", rows_);
  }

  std::int64_t rows() const override { return rows_; }
  std::int64_t columns() const override { return columns_; }
  std::int64_t bytes() const override { return static_cast<std::int64_t>(bytes_.size()); }
  std::string type_name() const override { return std::string(ggml_type_name(type_)); }

  void decode_rows(std::int64_t first, std::int64_t count, float* out) const override {
    if (row_of_.empty()) return decode(first, count, out);
    for (std::int64_t i = 0; i < count; ++i)
      decode(row_of_[static_cast<std::size_t>(first + i)], 1, out + i * columns_);
  }

 private:
  void decode(std::int64_t first, std::int64_t count, float* out) const {
    dequantize_range(type_, bytes_, first * columns_,
                     {out, static_cast<std::size_t>(count * columns_)});
  }

  GgmlType type_;
  std::string_view bytes_;
  std::shared_ptr<const void> owner_;
  std::vector<std::int64_t> row_of_;
  std::int64_t rows_ = 0, columns_ = 0;
};

class Nf4Matrix : public kernels::PackedWeight {
 public:
  Nf4Matrix(Nf4Numbers numbers, std::int64_t columns)
      : numbers_(std::move(numbers)), columns_(columns) {}

  std::int64_t rows() const override { return numbers_.count() / columns_; }
  std::int64_t columns() const override { return columns_; }
  std::int64_t bytes() const override { return numbers_.bytes(); }
  std::string type_name() const override { return "NF4"; }
  void decode_rows(std::int64_t first, std::int64_t count, float* out) const override {
    numbers_.decode(first * columns_, {out, static_cast<std::size_t>(count * columns_)});
  }

 private:
  Nf4Numbers numbers_;
  std::int64_t columns_;
};

class Int8Matrix : public kernels::PackedWeight {
 public:
  explicit Int8Matrix(const at::Tensor& weight)
      : rows_(weight.size(0)),
        width_(static_cast<std::size_t>(weight.size(1))),
        codes_(static_cast<std::size_t>(weight.numel())) {
    const auto numbers = weight.to(at::kFloat).contiguous();
    const auto* row = numbers.const_data_ptr<float>();
    for (std::size_t at = 0; at < codes_.size(); at += width_)
      largest_.push_back(quantize_int8({row + at, width_}, {codes_.data() + at, width_}));
  }

  std::int64_t rows() const override { return rows_; }
  std::int64_t columns() const override { return static_cast<std::int64_t>(width_); }
  std::int64_t bytes() const override {
    return static_cast<std::int64_t>(codes_.size() + largest_.size() * sizeof(float));
  }
  std::string type_name() const override { return "INT8"; }
  void decode_rows(std::int64_t first, std::int64_t count, float* out) const override {
    const auto end = static_cast<std::size_t>(first + count);
    for (auto row = static_cast<std::size_t>(first); row < end; ++row, out += width_)
      dequantize_int8({codes_.data() + row * width_, width_}, largest_[row], {out, width_});
  }

 private:
  std::int64_t rows_;
  std::size_t width_;
  std::vector<std::int8_t> codes_;
  std::vector<float> largest_;  // magnitude of each row
};

}  // namespace

PackedPointer pack_gguf(const GgufTensor& tensor,
                        std::shared_ptr<const void> owner,
                        std::vector<std::int64_t> row_of) {
  return std::make_shared<GgufBlocks>(tensor, std::move(owner), std::move(row_of));
}

PackedPointer pack_nf4(const at::Tensor& weight, bool double_quantised) {
  expect_shape(weight, {kAnySize, kAnySize}, "weight");
  if (weight.size(1) % Nf4Numbers::kBlock != 0)
    fail("NF4 packs blocks of ", Nf4Numbers::kBlock, ", a layer of width ", weight.size(1),
         " cannot be packed");
  const auto numbers = weight.detach().to(at::kFloat).contiguous();
  return std::make_shared<Nf4Matrix>(
      Nf4Numbers({numbers.const_data_ptr<float>(), static_cast<std::size_t>(numbers.numel())},
                 double_quantised),
      weight.size(1));
}

PackedPointer pack_int8(const at::Tensor& weight) {
  expect_shape(weight, {kAnySize, kAnySize}, "weight");
  return std::make_shared<Int8Matrix>(weight.detach());
}

}  // namespace hone
