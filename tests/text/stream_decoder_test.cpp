#include <algorithm>
#include <random>

#include "tokenizer_support.h"

namespace hone::testing {
namespace {

TEST(StreamDecoder, PiecesAreTheDecodedTextForAnyIds) {
  std::mt19937 random(3);
  for (const char* name :
       {"byte_level.json", "byte_fallback.json", "pieces_bpe.model", "pieces_unigram.model"}) {
    const auto tokenizer = fixture_tokenizer(name);
    std::uniform_int_distribution<std::int64_t> any(0, tokenizer.vocab_size() - 1);
    // Ids below 300 are mostly single bytes: broken characters in plenty.
    std::uniform_int_distribution<std::int64_t> low(
        0, std::min<std::int64_t>(299, tokenizer.vocab_size() - 1));
    for (int round = 0; round < 300; ++round) {
      Ids ids;
      for (int i = 0; i < round % 40; ++i)
        ids.push_back(round % 2 == 0 ? any(random) : low(random));
      for (const bool skip : {true, false}) {
        StreamDecoder decoder(tokenizer, skip);
        std::string text;
        for (const auto id : ids) text += decoder.push(id);
        text += decoder.finish();
        EXPECT_EQ(text, tokenizer.decode(ids, skip)) << name;
      }
    }
  }
}

TEST(StreamDecoder, HoldsBackOnlyIncompleteCharacters) {
  for (const char* name : {"byte_level.json", "byte_fallback.json", "pieces_bpe.model"}) {
    const auto tokenizer = fixture_tokenizer(name);
    const std::string text = "→ 歪 \U0001f999\u00e9x";
    StreamDecoder decoder(tokenizer);
    std::string out;
    for (const auto id : tokenizer.encode(text)) {
      out += decoder.push(id);
      EXPECT_EQ(text.substr(0, out.size()), out) << name;
    }
    EXPECT_EQ(out, text) << name;
    EXPECT_EQ(decoder.finish(), "");
  }
}

TEST(StreamDecoder, FinishBeginsANewText) {
  const auto tokenizer = fixture_tokenizer("byte_fallback.json");
  StreamDecoder decoder(tokenizer);
  for (int round = 0; round < 2; ++round) {
    std::string text;
    for (const auto id : tokenizer.encode("the lamp")) text += decoder.push(id);
    EXPECT_EQ(text + decoder.finish(), "the lamp");
  }
  decoder.push(tokenizer.id_of("<0xE6>").value());
  decoder.push(tokenizer.id_of("<0xAD>").value());
  EXPECT_EQ(decoder.finish(), "\ufffd");
}

}  // namespace
}  // namespace hone::testing
