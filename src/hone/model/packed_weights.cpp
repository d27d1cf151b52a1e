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
    columns_ = static_cast<std::int64_t>(tensor.shape[0]);
    rows_ = static_cast<std::int64_t>(tensor.shape[1]);
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
        columns_(weight.size(1)),
        codes_(static_cast<std::size_t>(weight.numel())) {
    const auto numbers = weight.to(at::kFloat).contiguous();
    const auto width = static_cast<std::size_t>(columns_);
    for (std::int64_t row = 0; row < rows_; ++row) {
      const auto at = static_cast<std::size_t>(row) * width;
      scales_.push_back(quantize_int8({numbers.const_data_ptr<float>() + at, width},
                                      {codes_.data() + at, width}) /
                        127);
    }
  }

  std::int64_t rows() const override { return rows_; }
  std::int64_t columns() const override { return columns_; }
  std::int64_t bytes() const override {
    return static_cast<std::int64_t>(codes_.size() + scales_.size() * sizeof(float));
  }
  std::string type_name() const override { return "INT8"; }
  void decode_rows(std::int64_t first, std::int64_t count, float* out) const override {
    for (std::int64_t row = first; row < first + count; ++row) {
      const float scale = scales_[static_cast<std::size_t>(row)];
      const auto* codes = codes_.data() + row * columns_;
      for (std::int64_t i = 0; i < columns_; ++i) *out++ = static_cast<float>(codes[i]) * scale;
    }
  }

 private:
  std::int64_t rows_, columns_;
  std::vector<std::int8_t> codes_;
  std::vector<float> scales_;
};

}  // namespace

PackedPointer pack_gguf(const GgufTensor& tensor,
                        std::shared_ptr<const void> owner,
                        std::vector<std::int64_t> row_of) {
  return std::make_shared<GgufBlocks>(tensor, std::move(owner), std::move(row_of));
}

PackedPointer pack_nf4(const at::Tensor& weight, bool double_quantised) {
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
  return std::make_shared<Int8Matrix>(weight.detach());
}

}  // namespace hone
