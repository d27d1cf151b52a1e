// hone-inspect on a text: its tokens, and the way back.
#include <algorithm>
#include <iostream>

#include <hone/base/error.h>
#include <hone/base/utf8.h>
#include <hone/data/row_view.h>

#include "inspect.h"

namespace hone::tools {

int inspect_text(const std::string& text, const Tokenizer& tokenizer) {
  const auto ids = tokenizer.encode(text);
  std::cout << ids.size() << " tokens, " << text.size() << " bytes\n";
  std::cout << separate_tokens(
                   view_tokens(std::vector<std::int32_t>(ids.begin(), ids.end()), false, tokenizer),
                   {})
            << '\n';
  const auto back = tokenizer.decode(ids, /*skip_special_tokens=*/false);
  if (back == text) {
    std::cout << "decoded: the same\n";
    return 0;
  }
  const auto same = std::ranges::mismatch(text, back).in1 - text.begin();
  std::cout << "decoded: differs from byte " << same + 1 << " on: " << quote(back) << '\n';
  return 1;
}

}  // namespace hone::tools
