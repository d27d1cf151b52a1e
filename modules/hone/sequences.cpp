#include <algorithm>
#include <numeric>
#include <utility>

#include <ATen/ATen.h>

#include <hone/sequences.h>

namespace hone {

Sequences Sequences::single(const Tensor& input_ids) {
  expect_shape(input_ids, {kAnySize}, "input_ids");
  return {input_ids, {input_ids.size(0)}};
}

Sequences Sequences::from_padded(const Tensor& input_ids, const Tensor& attention_mask) {
  expect_shape(input_ids, {kAnySize, kAnySize}, "input_ids");
  const auto rows = input_ids.size(0);
  const auto width = input_ids.size(1);
  if (!attention_mask.defined()) {
    return {input_ids.reshape({-1}),
            std::vector<std::int64_t>(static_cast<std::size_t>(rows), width)};
  }
  expect_shape(attention_mask, {rows, width}, "attention_mask");
  const auto mask = attention_mask.to(at::kBool).cpu().contiguous();
  const auto* real = mask.const_data_ptr<bool>();
  std::vector<std::int64_t> lengths;
  for (std::int64_t row = 0; row < rows; ++row) {
    std::int64_t length = 0, starts = 0;
    for (std::int64_t column = 0; column < width; ++column) {
      const bool here = real[row * width + column];
      starts += here && (column == 0 || !real[row * width + column - 1]);
      length += here;
    }
    TORCH_CHECK(starts == 1, "attention_mask: row ", row, " must hold one run of real tokens, has ",
                starts);
    lengths.push_back(length);
  }
  return {input_ids.masked_select(mask.to(input_ids.device())), std::move(lengths)};
}

Tensor Sequences::last_tokens() const {
  std::vector<std::int64_t> ends(lengths.size());
  std::partial_sum(lengths.begin(), lengths.end(), ends.begin());
  return at::tensor(ends, at::kLong).sub(1).to(input_ids.device());
}

Tensor PrependedRows::apply(const Tensor& virtual_rows, const Tensor& rows) const {
  return at::cat({virtual_rows.to(rows.scalar_type()), rows}).index_select(0, index);
}

PrependedRows prepend_rows(std::int64_t m,
                           const std::vector<std::int64_t>& lengths,
                           const std::vector<bool>& begins,
                           at::Device device) {
  std::vector<std::int64_t> index, real, longer;
  std::int64_t next = m;
  for (std::size_t s = 0; s < lengths.size(); ++s) {
    for (std::int64_t t = 0; begins[s] && t < m; ++t) index.push_back(t);
    for (std::int64_t t = 0; t < lengths[s]; ++t) {
      real.push_back(static_cast<std::int64_t>(index.size()));
      index.push_back(next++);
    }
    longer.push_back(lengths[s] + (begins[s] ? m : 0));
  }
  return {at::tensor(index, at::kLong).to(device), at::tensor(real, at::kLong).to(device),
          std::move(longer)};
}

Tensor side_by_side(const Tensor& values, const std::vector<std::int64_t>& lengths) {
  const auto longest = *std::max_element(lengths.begin(), lengths.end());
  std::vector<std::int64_t> index;
  std::int64_t first = 0;
  for (const auto length : lengths) {
    for (std::int64_t t = 0; t < longest; ++t) index.push_back(first + std::min(t, length - 1));
    first += length;
  }
  auto shape = values.sizes().vec();
  shape[0] = longest;
  shape.insert(shape.begin(), static_cast<std::int64_t>(lengths.size()));
  return values.index_select(0, at::tensor(index, at::kLong).to(values.device())).view(shape);
}

Tensor pad_back(const Tensor& values, const Tensor& attention_mask) {
  const auto mask = attention_mask.to(at::kBool);
  auto shape = values.sizes().vec();
  shape.erase(shape.begin());
  shape.insert(shape.begin(), mask.sizes().begin(), mask.sizes().end());
  auto padded = at::zeros(shape, values.options().requires_grad(false));
  return padded.index_put({mask}, values);
}

}  // namespace hone
