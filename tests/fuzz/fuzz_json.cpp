// Any bytes as JSON: refused, or a value that survives being written and read again.
#include <nlohmann/json.hpp>

#include <hone/base/json_io.h>

#include "fuzz.h"

using namespace hone;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::accept_or_refuse([&] {
    const auto value = parse_json(fuzz::text_of(data, size), "input");
    fuzz::require(parse_json(to_json_line(value), "again") == value);
  });
  return 0;
}
