// Any bytes as a GGUF file: refused, or metadata and tensors that can be read to their end.
#include <vector>

#include <hone/format/gguf.h>

#include "fuzz.h"

using namespace hone;

namespace {

void read_value(const GgufFile& file, std::string_view key, const GgufValue& value) {
  if (const auto* text = std::get_if<std::string_view>(&value.value)) fuzz::touch(*text);
  const auto* array = std::get_if<GgufArray>(&value.value);
  if (array == nullptr) return;
  fuzz::touch(array->bytes);
  if (array->element == GgufType::kString) {
    fuzz::require(file.get_strings(key).size() == array->count);
    for (const auto text : file.get_strings(key)) fuzz::touch(text);
  }
  fuzz::accept_or_refuse([&] { fuzz::require(file.get_ints(key).size() == array->count); });
  fuzz::accept_or_refuse([&] { fuzz::require(file.get_floats(key).size() == array->count); });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::accept_or_refuse([&] {
    const auto file = GgufFile::from_bytes(fuzz::text_of(data, size), nullptr, "input");
    for (const auto& [key, value] : file.metadata()) {
      read_value(file, key, value);
      fuzz::accept_or_refuse([&, name = key] { file.get_u32(name); });
    }
    for (const auto& tensor : file.tensors()) {
      std::vector<float> values(static_cast<std::size_t>(tensor.elements()));
      dequantize(tensor.type, tensor.bytes, values);
      fuzz::require(&file.tensor(tensor.name) == &tensor);
    }
  });
  return 0;
}
