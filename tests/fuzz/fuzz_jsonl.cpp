// Any bytes as a JSONL file, plain or gzip.
#include <nlohmann/json.hpp>

#include <hone/base/row_source.h>

#include "fuzz.h"

using namespace hone;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::accept_or_refuse([&] {
    RowSource source(fuzz::text_of(data, size), "input", {.layout = FileLayout::kJsonl});
    RowChunk chunk;
    while (source.next(chunk)) {
      for (std::size_t i = 0; i < chunk.size(); ++i) {
        fuzz::require(chunk.text(i).find('\n') == std::string_view::npos);
        fuzz::accept_or_refuse([&] { chunk.row(i); });
      }
    }
  });
  return 0;
}
