// Any bytes as tokenizer.json: refused, or a tokenizer that reads a text and writes its own ids.
#include <memory>

#include <nlohmann/json.hpp>

#include <hone/base/json_io.h>
#include <hone/text/tokenizer.h>
#include <hone/text/tokenizer_json.h>
#include <hone/text/tokenizer_model.h>

#include "fuzz.h"

using namespace hone;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::accept_or_refuse([&] {
    const auto json = parse_json(fuzz::text_of(data, size), "input");
    const Tokenizer tokenizer(
        std::make_shared<const Tokenizer::Model>(read_tokenizer_json(json, "input")));
    const auto ids = tokenizer.encode("abab zba?<e> b\u0301 7", {.add_special_tokens = true});
    for (const auto id : ids) fuzz::require(id >= 0);
    tokenizer.decode(ids);
  });
  return 0;
}
