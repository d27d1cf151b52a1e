#include <algorithm>
#include <array>
#include <utility>

#include <hone/format/dtype.h>

namespace hone {
namespace {

struct DTypeFacts {
  std::string_view name;
  std::size_t bytes;
};

// Indexed by DType.
constexpr std::array<DTypeFacts, 10> kFacts = {{{"BOOL", 1},
                                                {"U8", 1},
                                                {"I8", 1},
                                                {"I16", 2},
                                                {"F16", 2},
                                                {"BF16", 2},
                                                {"I32", 4},
                                                {"F32", 4},
                                                {"F64", 8},
                                                {"I64", 8}}};

constexpr std::array<std::string_view, 12> kUnsupported = {
    "F4",          "F6_E2M3",     "F6_E3M2", "F8_E4M3", "F8_E5M2", "F8_E8M0",
    "F8_E4M3FNUZ", "F8_E5M2FNUZ", "U16",     "U32",     "U64",     "C64"};

const DTypeFacts& facts(DType dtype) {
  return kFacts[static_cast<std::size_t>(dtype)];
}

}  // namespace

std::size_t item_size(DType dtype) {
  return facts(dtype).bytes;
}

std::string_view dtype_name(DType dtype) {
  return facts(dtype).name;
}

std::optional<DType> dtype_from_name(std::string_view name) {
  for (std::size_t i = 0; i < kFacts.size(); ++i) {
    if (kFacts[i].name == name) return static_cast<DType>(i);
  }
  return std::nullopt;
}

bool is_unsupported_dtype_name(std::string_view name) {
  return std::find(kUnsupported.begin(), kUnsupported.end(), name) != kUnsupported.end();
}

std::optional<std::int64_t> element_count(const std::vector<std::int64_t>& shape) {
  std::int64_t count = 1;
  std::int64_t nonzero =
      1;  // the product without zeros must fit too, so that order does not matter
  for (const auto size : shape) {
    if (size < 0) return std::nullopt;
    if (size != 0 && __builtin_mul_overflow(nonzero, size, &nonzero)) return std::nullopt;
    count = size == 0 ? 0 : count == 0 ? 0 : nonzero;
  }
  return count;
}

std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::string text = "[";
  for (const auto size : shape) {
    if (text.size() > 1) text += ", ";
    text += std::to_string(size);
  }
  return text + "]";
}

}  // namespace hone
