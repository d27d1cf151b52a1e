#include <array>

#include <hone/text/gguf_splits.h>
#include <hone/text/known_splits.h>

namespace hone {

std::span<const GgufSplit> gguf_splits() {
  static constexpr std::array<GgufSplit, 15> kSplits{{
      {"gpt-2", byte_level_split},
      {"", byte_level_split},
      {"default", byte_level_split},
      {"gpt2", byte_level_split},
      {"olmo", byte_level_split},
      {"mpt", byte_level_split},
      {"smollm", digits_byte_level_split},
      {"starcoder", digits_byte_level_split},
      {"refact", digits_byte_level_split},
      {"qwen2", qwen2_split, true},
      {"deepseek-r1-qwen", qwen2_split, true},
      {"llama-bpe", llama3_split, false, true, true},
      {"llama3", llama3_split, false, true, true},
      {"llama-v3", llama3_split, false, true, true},
      {"smaug-bpe", llama3_split, false, true, true},
  }};
  return kSplits;
}

}  // namespace hone
