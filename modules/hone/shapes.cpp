#include <vector>

#include <hone/shapes.h>

namespace hone {

void expect_shape(const Tensor& tensor,
                  std::initializer_list<std::int64_t> sizes,
                  const char* name) {
  TORCH_CHECK(tensor.defined(), name, ": is undefined, expected shape ",
              std::vector<std::int64_t>(sizes));
  bool same = tensor.dim() == static_cast<std::int64_t>(sizes.size());
  std::int64_t axis = 0;
  for (const auto size : sizes) {
    if (!same) break;
    same = size == kAnySize || tensor.size(axis) == size;
    ++axis;
  }
  TORCH_CHECK(same, name, ": expected shape ", std::vector<std::int64_t>(sizes), " (-1: any), got ",
              tensor.sizes());
}

}  // namespace hone
