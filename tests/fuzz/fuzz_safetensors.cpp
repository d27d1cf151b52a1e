// Any bytes as a safetensors file: refused, or tensors that lie inside and cover the data.
#include <hone/format/safetensors.h>

#include "fuzz.h"

using namespace hone;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  for (const auto verify : {Verify::kIfPresent, Verify::kSkip}) {
    fuzz::accept_or_refuse([&] {
      const auto file =
          SafetensorsFile::from_bytes(fuzz::text_of(data, size), nullptr, "input", verify);
      std::size_t total = 0;
      for (const auto& tensor : file.tensors()) {
        fuzz::touch(tensor.bytes);
        total += tensor.bytes.size();
        fuzz::require(file.find(tensor.name) == &tensor);
        const auto count = static_cast<std::size_t>(element_count(tensor.shape).value());
        fuzz::require(count * item_size(tensor.dtype) == tensor.bytes.size());
      }
      fuzz::require(total <= size);
    });
  }
  return 0;
}
