// Any text as a chat template: refused, or rendered within its limits.
#include <nlohmann/json.hpp>

#include <hone/base/json_io.h>
#include <hone/text/jinja.h>
#include <hone/text/jinja_json.h>

#include "fuzz.h"

using namespace hone;

namespace {

const Json& messages() {
  static const Json value =
      parse_json(R"([{"role":"system","content":"Be kind."},{"role":"user","content":"Hi"},)"
                 R"({"role":"assistant","content":"<think>a</think>Ho","n":1.5,"l":[1,"b",null]}])",
                 "messages");
  return value;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::accept_or_refuse([&] {
    const jinja::Template compiled(fuzz::text_of(data, size), "input");
    const jinja::Limits limits{.steps = 20000, .output_bytes = 1 << 16};
    compiled.render({{"messages", jinja::from_json(messages(), jinja::kInputTag)},
                     {"add_generation_prompt", jinja::Value::boolean(true)},
                     {"bos_token", jinja::Value::text("<s>")}},
                    0, limits);
  });
  return 0;
}
