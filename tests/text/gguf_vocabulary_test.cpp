#include <algorithm>

#include <hone/text/gguf_vocabulary.h>

#include "tokenizer_support.h"

namespace hone::testing {
namespace {

Tokenizer tokenizer_of_vocabulary(const GgufVocabulary& vocabulary) {
  return Tokenizer(std::make_shared<const Tokenizer::Model>(parts_of(vocabulary)));
}

/// The content of byte_level.json as a GGUF file holds it.
GgufVocabulary byte_level_vocabulary(const std::string& pre) {
  const auto file = text_fixture("byte_level.json");
  GgufVocabulary out;
  out.place = "model.gguf";
  out.model = "gpt2";
  out.pre = pre;
  const auto put = [&](const std::string& token, std::size_t id, std::int64_t type) {
    if (out.tokens.size() <= id) out.tokens.resize(id + 1), out.types.resize(id + 1, 1);
    out.tokens[id] = token;
    out.types[id] = type;
  };
  for (const auto& [token, id] : file["model"]["vocab"].items())
    put(token, id.get<std::size_t>(), 1);
  for (const auto& token : file["added_tokens"]) {
    // GGUF has no flags for white space, single words and normalised text.
    const bool plain = !token["lstrip"] && !token["single_word"] && !token["normalized"];
    if (!plain) continue;
    put(token["content"].get<std::string>(), token["id"].get<std::size_t>(),
        token["special"].get<bool>() ? 3 : 4);
  }
  for (const auto& merge : file["model"]["merges"]) {
    out.merges.push_back(merge[0].get<std::string>() + " " + merge[1].get<std::string>());
  }
  out.eos_id = std::find(out.tokens.begin(), out.tokens.end(), "<|im_end|>") - out.tokens.begin();
  return out;
}

bool has_flagged_token(const std::string& text) {
  return text.find("<mark>") != std::string::npos || text.find("[word]") != std::string::npos ||
         text.find("Straße") != std::string::npos;
}

TEST(GgufVocabulary, SmolLmSplitsEveryDigit) {
  const auto tokenizer = tokenizer_of_vocabulary(byte_level_vocabulary("smollm"));
  const auto fixture = text_fixture("ids.json");
  for (std::size_t i = 0; i < fixture["texts"].size(); ++i) {
    const auto text = fixture["texts"][i].get<std::string>();
    if (!has_flagged_token(text)) {
      EXPECT_EQ(tokenizer.encode(text), fixture["byte_level"][i].get<Ids>()) << text;
    }
  }
  EXPECT_EQ(tokenizer.eos_id(), tokenizer.id_of("<|im_end|>"));
}

TEST(GgufVocabulary, EachFamilySplitsItsOwnWay) {
  const auto fixture = text_fixture("pipelines.json");
  for (const auto& [pre, variant] : {std::pair("gpt-2", "gpt2"),
                                     {"", "gpt2"},
                                     {"default", "gpt2"},
                                     {"qwen2", "qwen2"},
                                     {"llama-bpe", "llama3"}}) {
    const auto tokenizer = tokenizer_of_vocabulary(byte_level_vocabulary(pre));
    for (std::size_t i = 0; i < fixture["texts"].size(); ++i) {
      const auto text = fixture["texts"][i].get<std::string>();
      // Qwen2 composes characters first.
      if (has_flagged_token(text) || tokenizer.decode(tokenizer.encode(text), false) != text)
        continue;
      EXPECT_EQ(tokenizer.encode(text), fixture[variant]["ids"][i].get<Ids>())
          << pre << ": " << text;
    }
  }
}

TEST(GgufVocabulary, FlagsForBosAndEos) {
  auto vocabulary = byte_level_vocabulary("llama-bpe");
  vocabulary.bos_id =
      std::find(vocabulary.tokens.begin(), vocabulary.tokens.end(), "<|im_start|>") -
      vocabulary.tokens.begin();
  const EncodeOptions options{.add_special_tokens = true};
  EXPECT_EQ(tokenizer_of_vocabulary(vocabulary).encode("", options), Ids({*vocabulary.bos_id}));
  vocabulary.add_bos = false;
  vocabulary.add_eos = true;
  EXPECT_EQ(tokenizer_of_vocabulary(vocabulary).encode("", options), Ids({*vocabulary.eos_id}));
}

/// The content of pieces_bpe.model as a GGUF file holds it: what the sentencepiece library gives is
/// known.
TEST(GgufVocabulary, ScoresMergeAsSentencePieceDoes) {
  const auto pieces = fixture_tokenizer("pieces_bpe.model");
  GgufVocabulary vocabulary;
  vocabulary.place = "model.gguf";
  vocabulary.model = "llama";
  for (std::int64_t id = 0; id < pieces.vocab_size(); ++id) {
    const auto token = pieces.token_of(id);
    const bool byte = token.starts_with("<0x") && token.size() == 6;
    vocabulary.tokens.push_back(token);
    vocabulary.types.push_back(pieces.is_special(id) ? 3 : byte ? 6 : 1);
    vocabulary.scores.push_back(
        -static_cast<float>(id));  // a BPE model's pieces stand in the order of their merges
  }
  vocabulary.unk_id = 0;
  vocabulary.bos_id = 1;
  vocabulary.eos_id = 2;
  const auto tokenizer = tokenizer_of_vocabulary(vocabulary);
  const auto fixture = text_fixture("ids.json");
  for (std::size_t i = 0; i < fixture["plain_texts"].size(); ++i) {
    const auto text = fixture["plain_texts"][i].get<std::string>();
    EXPECT_EQ(tokenizer.encode(text), fixture["pieces_bpe"][i].get<Ids>()) << text;
  }
  EXPECT_EQ(tokenizer.encode("a", {.add_special_tokens = true}).front(), 1);
}

TEST(GgufVocabulary, WritesWhatItReads) {
  for (const char* pre : {"gpt-2", "smollm", "qwen2", "llama-bpe"}) {
    const auto parts = parts_of(byte_level_vocabulary(pre));
    const auto written = gguf_vocabulary_of(parts, parts.vocabulary.size() + 3);
    EXPECT_EQ(written.pre, pre);
    const auto original = Tokenizer(std::make_shared<const Tokenizer::Model>(parts));
    const auto again = tokenizer_of_vocabulary(written);
    for (const auto& text : fixture_texts("texts")) {
      EXPECT_EQ(again.encode(text, {.add_special_tokens = true}),
                original.encode(text, {.add_special_tokens = true}))
          << pre << ": " << text;
    }
  }
}

TEST(GgufVocabulary, WritesMergesAsScores) {
  auto parts = fixture_tokenizer("byte_fallback.json").model().parts();
  // GGUF has no flags for the white space beside a token.
  for (auto& token : parts.added_tokens) token.lstrip = token.rstrip = token.single_word = false;
  const auto original = Tokenizer(std::make_shared<const Tokenizer::Model>(parts));
  const auto again = tokenizer_of_vocabulary(gguf_vocabulary_of(parts, 800));
  for (const auto& text : fixture_texts("texts")) {
    EXPECT_EQ(again.encode(text), original.encode(text)) << text;
    EXPECT_EQ(again.decode(again.encode(text)), original.decode(original.encode(text)));
  }
}

TEST(GgufVocabulary, FillsRowsBehindTheVocabulary) {
  const auto parts = parts_of(byte_level_vocabulary("gpt-2"));
  const auto size = id_of(parts, "<|im_end|>").value() + 1;
  auto vocabulary = gguf_vocabulary_of(parts, 2000);
  EXPECT_EQ(vocabulary.tokens.size(), 2000u);
  EXPECT_GE(tokenizer_of_vocabulary(vocabulary).vocab_size(), size);
  EXPECT_LT(tokenizer_of_vocabulary(vocabulary).vocab_size(), 2000);
}

TEST(GgufVocabulary, WritesTheScoresOfSentencePiece) {
  const auto original = fixture_tokenizer("pieces_bpe.model");
  const auto written = gguf_vocabulary_of(original.model().parts(), original.vocab_size() + 2);
  EXPECT_EQ(written.types[0], 2);      // <unk>
  EXPECT_EQ(written.types[1], 3);      // <s>
  EXPECT_EQ(written.types.back(), 5);  // a row behind the vocabulary
  EXPECT_EQ(written.types[static_cast<std::size_t>(original.id_of("<0x41>").value())], 6);
  const auto again = tokenizer_of_vocabulary(written);
  const auto fixture = text_fixture("ids.json");
  for (std::size_t i = 0; i < fixture["plain_texts"].size(); ++i) {
    const auto text = fixture["plain_texts"][i].get<std::string>();
    EXPECT_EQ(again.encode(text), fixture["pieces_bpe"][i].get<Ids>()) << text;
  }
}

TEST(GgufVocabulary, PiecesThatLlamaCppCannotJoinAreRefused) {
  const auto unigram = fixture_tokenizer("pieces_unigram.model").model().parts();
  EXPECT_NE(error_of([&] { gguf_vocabulary_of(unigram, 2000); }).find("unigram"),
            std::string::npos);
  auto parts = fixture_tokenizer("pieces_bpe.model").model().parts();
  parts.pieces->rewrites_text = true;
  EXPECT_NE(error_of([&] { gguf_vocabulary_of(parts, 2000); }).find("maps characters"),
            std::string::npos);
  parts.pieces.reset();
  EXPECT_NE(error_of([&] { gguf_vocabulary_of(parts, 2000); }).find("without merges"),
            std::string::npos);
}

TEST(GgufVocabulary, ASplitWithoutANameIsRefused) {
  auto parts = parts_of(byte_level_vocabulary("gpt-2"));
  parts.pre_tokenizer = {{"type", "Split"}, {"pattern", {{"String", "x"}}}};
  EXPECT_NE(error_of([&] { gguf_vocabulary_of(parts, 2000); }).find("llama.cpp has no name"),
            std::string::npos);
  parts = parts_of(byte_level_vocabulary("gpt-2"));
  EXPECT_NE(error_of([&] { gguf_vocabulary_of(parts, 10); }).find("the model 10 rows"),
            std::string::npos);
}

TEST(GgufVocabulary, BadVocabulariesAreRefused) {
  const auto message = [](const auto& change) {
    auto vocabulary = byte_level_vocabulary("smollm");
    change(vocabulary);
    const auto text = error_of([&] { tokenizer_of_vocabulary(vocabulary); });
    EXPECT_TRUE(text.starts_with("model.gguf: ")) << text;
    return text;
  };
  EXPECT_NE(
      message([](auto& v) { v.pre = "other"; }).find("tokenizer.ggml.pre \"other\" is not known"),
      std::string::npos);
  EXPECT_NE(message([](auto& v) { v.model = "bert"; }).find("\"bert\" is not supported"),
            std::string::npos);
  EXPECT_NE(message([](auto& v) { v.tokens.clear(); }).find("tokens is missing"),
            std::string::npos);
  EXPECT_NE(message([](auto& v) { v.types.pop_back(); }).find("token_type has"), std::string::npos);
  EXPECT_NE(message([](auto& v) { v.merges.clear(); }).find("merges is missing"),
            std::string::npos);
  EXPECT_NE(message([](auto& v) { v.merges[3] = "ab"; }).find("merge 3 must be two tokens"),
            std::string::npos);
  EXPECT_NE(message([](auto& v) { v.merges[3] = "a \xc4"; }).find("not in the vocabulary"),
            std::string::npos);
  EXPECT_NE(message([](auto& v) { v.tokens[5] = "\xff"; }).find("token 5 is not UTF-8"),
            std::string::npos);
  EXPECT_NE(message([](auto& v) { v.tokens[5] = v.tokens[4]; }).find("has two ids"),
            std::string::npos);
  EXPECT_NE(message([](auto& v) { v.eos_id = 100000; }).find("special token id 100000"),
            std::string::npos);
  EXPECT_NE(message([](auto& v) { v.model = "llama"; }).find("scores has 0 entries"),
            std::string::npos);
}

}  // namespace
}  // namespace hone::testing
