// Names, numbers and block sizes of the tensor types of GGUF.
#include <algorithm>
#include <array>

#include <hone/format/quants.h>

namespace hone {
namespace {

struct TypeFacts {
  GgmlType type;
  std::int64_t elements;  // of one block
  std::int64_t bytes;     // of one block
};

constexpr std::array<TypeFacts, 13> kTypes = {{{GgmlType::F32, 1, 4},
                                               {GgmlType::F16, 1, 2},
                                               {GgmlType::BF16, 1, 2},
                                               {GgmlType::Q4_0, 32, 18},
                                               {GgmlType::Q4_1, 32, 20},
                                               {GgmlType::Q5_0, 32, 22},
                                               {GgmlType::Q5_1, 32, 24},
                                               {GgmlType::Q8_0, 32, 34},
                                               {GgmlType::Q2_K, 256, 84},
                                               {GgmlType::Q3_K, 256, 110},
                                               {GgmlType::Q4_K, 256, 144},
                                               {GgmlType::Q5_K, 256, 176},
                                               {GgmlType::Q6_K, 256, 210}}};

// Indexed by the number in the file; empty where GGUF has retired the number.
constexpr std::array<std::string_view, 42> kNames = {
    "F32",     "F16",   "Q4_0",   "Q4_1",  "",      "",       "Q5_0", "Q5_1",    "Q8_0",
    "Q8_1",    "Q2_K",  "Q3_K",   "Q4_K",  "Q5_K",  "Q6_K",   "Q8_K", "IQ2_XXS", "IQ2_XS",
    "IQ3_XXS", "IQ1_S", "IQ4_NL", "IQ3_S", "IQ2_S", "IQ4_XS", "I8",   "I16",     "I32",
    "I64",     "F64",   "IQ1_M",  "BF16",  "",      "",       "",     "TQ1_0",   "TQ2_0",
    "",        "",      "",       "MXFP4", "NVFP4", "Q1_0"};

const TypeFacts& facts(GgmlType type) {
  return *std::find_if(kTypes.begin(), kTypes.end(), [&](const auto& f) { return f.type == type; });
}

}  // namespace

std::optional<GgmlType> ggml_type_from_number(std::uint32_t number) {
  for (const auto& type : kTypes) {
    if (static_cast<std::uint32_t>(type.type) == number) return type.type;
  }
  return std::nullopt;
}

std::string_view ggml_type_name(std::uint32_t number) {
  return number < kNames.size() ? kNames[number] : std::string_view();
}

std::string_view ggml_type_name(GgmlType type) {
  return ggml_type_name(static_cast<std::uint32_t>(type));
}

std::int64_t block_elements(GgmlType type) {
  return facts(type).elements;
}

std::int64_t block_bytes(GgmlType type) {
  return facts(type).bytes;
}

bool is_quantized(GgmlType type) {
  return block_elements(type) > 1;
}

}  // namespace hone
