// Any bytes as a JSONL file, plain or gzip.
#include <nlohmann/json.hpp>

#include <hone/base/json_io.h>

#include "fuzz.h"

using namespace hone;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::accept_or_refuse([&] {
    for_each_line_of(fuzz::text_of(data, size), "input",
                     [](std::string_view line, const std::string& place) {
                       fuzz::require(line.find('\n') == std::string_view::npos);
                       fuzz::accept_or_refuse([&] { parse_json(line, place); });
                     });
  });
  return 0;
}
