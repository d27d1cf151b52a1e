// Any bytes as a file of torch.save: refused, or tensors that stay inside their storages.
#include <memory>

#include <hone/format/torch_file.h>

#include "fuzz.h"

using namespace hone;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::accept_or_refuse([&] {
    const auto file = TorchFile::from_bytes(fuzz::text_of(data, size), nullptr, "input");
    for (const auto& [name, tensor] : file.tensors()) fuzz::touch(tensor.view.bytes);
  });
  return 0;
}
