#include <bit>

#include <ATen/ATen.h>
#include <torch/types.h>

#include <hone/kernels/packed_linear.h>
#include <hone/model/base_fingerprint.h>
#include <hone/model/peft_plan.h>

namespace hone {

std::string base_fingerprint(const CausalLM& model) {
  torch::NoGradGuard no_grad;
  constexpr std::int64_t kRows = 4, kColumns = 4;
  constexpr std::int64_t kStride = 7;  // columns beside each other often belong to one block
  std::string digits;
  const auto add = [&](const Tensor& row) {
    int digit = 0;
    for (std::int64_t i = 0; i < kColumns; ++i)
      digit = 2 * digit + (row[i * kStride % row.size(0)].item<float>() < 0);
    digits += "0123456789abcdef"[digit];
  };
  const auto parameters = model->named_parameters();
  const PeftModules modules(model);
  const auto add_matrix = [&](const std::string& path, const auto& packed) {
    const auto* dense = parameters.find(path + ".weight");
    const auto rows = packed ? packed->rows() : dense->size(0);
    for (std::int64_t i = 0; i < kRows; ++i) {
      const auto row = at::tensor({i * rows / kRows}, at::kLong);
      add(packed
              ? kernels::packed_embedding(row, *packed, at::kFloat)[0]
              : dense->detach().index_select(0, row.to(dense->device()))[0].to(at::kFloat).cpu());
    }
  };
  for (const auto& [path, projection] : modules.projections) add_matrix(path, projection->packed);
  for (const auto& [path, embedding] : modules.embeddings) add_matrix(path, embedding->packed);
  return digits;
}

double fingerprint_agreement(const std::string& a, const std::string& b) {
  if (a.size() != b.size() || a.empty()) return 0;
  const auto value = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  int equal = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    equal += 4 - std::popcount(static_cast<unsigned>(value(a[i]) ^ value(b[i])));
  return equal / (4.0 * static_cast<double>(a.size()));
}

}  // namespace hone
