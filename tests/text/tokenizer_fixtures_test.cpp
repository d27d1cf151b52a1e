#include <hone/base/files.h>

#include "tokenizer_support.h"

namespace hone::testing {
namespace {

void expect_ids(const Tokenizer& tokenizer,
                const Json& texts,
                const Json& expected,
                const EncodeOptions& options = {}) {
  ASSERT_EQ(texts.size(), expected.size());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    EXPECT_EQ(tokenizer.encode(texts[i].get<std::string>(), options), expected[i].get<Ids>())
        << texts[i].dump();
  }
}

TEST(TokenizerFixtures, GiveTheIdsOfTheReferenceLibrary) {
  const auto fixture = text_fixture("ids.json");
  for (const std::string name : {"byte_level", "byte_fallback"}) {
    SCOPED_TRACE(name);
    const auto tokenizer = fixture_tokenizer(name + ".json");
    expect_ids(tokenizer, fixture["texts"], fixture[name]);
    expect_ids(tokenizer, fixture["texts"], fixture[name + "_plain"],
               {.parse_special_tokens = false});
  }
  for (const std::string name : {"pieces_bpe", "pieces_unigram"}) {
    SCOPED_TRACE(name);
    expect_ids(fixture_tokenizer(name + ".model"), fixture["plain_texts"], fixture[name]);
  }
}

TEST(TokenizerFixtures, DecodeAsTheReferenceLibrary) {
  const auto fixture = text_fixture("ids.json");
  for (const std::string name : {"byte_level", "byte_fallback"}) {
    SCOPED_TRACE(name);
    const auto tokenizer = fixture_tokenizer(name + ".json");
    for (std::size_t i = 0; i < fixture["texts"].size(); ++i) {
      const auto source = fixture["texts"][i].get<std::string>();
      auto expected = fixture[name + "_decoded"][i].get<std::string>();
      // The reference takes the letters of an added token for bytes; ours gives the token as it is
      // written.
      if (source.find("Straße") != std::string::npos && name == "byte_level") expected = source;
      EXPECT_EQ(tokenizer.decode(fixture[name][i].get<Ids>()), expected) << source;
    }
  }
}

TEST(TokenizerFixtures, PartsOfEveryKindGiveTheIdsOfTheReferenceLibrary) {
  const auto fixture = text_fixture("pipelines.json");
  const auto base = text_fixture("byte_level.json");
  for (const auto& [name, variant] : fixture.items()) {
    if (name == "texts") continue;
    SCOPED_TRACE(name);
    auto file = base;
    for (const auto& [key, value] : variant["parts"].items()) {
      if (key == "model") {
        file["model"].update(value);
      } else {
        file[key] = value;
      }
    }
    expect_ids(tokenizer_from(file), fixture["texts"], variant["ids"]);
  }
}

TEST(TokenizerFixtures, BothFormsOfMergesAreTheSame) {
  auto file = text_fixture("byte_level.json");
  const auto pairs = tokenizer_from(file);
  for (auto& merge : file["model"]["merges"]) {
    ASSERT_TRUE(merge.is_array());
    merge = merge[0].get<std::string>() + " " + merge[1].get<std::string>();
  }
  EXPECT_EQ(tokenizer_from(file).hash(), pairs.hash());
}

TEST(TokenizerFixtures, BytesComeBack) {
  for (const char* name : {"byte_level.json", "byte_fallback.json", "pieces_bpe.model"}) {
    const auto tokenizer = fixture_tokenizer(name);
    for (const auto& source : fixture_texts("plain_texts")) {
      // What marks a space cannot be told from one, and `<mark>` takes the spaces around it along.
      if (source.find("▁") != std::string::npos || source.find("<mark>") != std::string::npos)
        continue;
      // Only control tokens of the text are left out, and some of them take a space along.
      const Ids ids = tokenizer.encode(source, {.parse_special_tokens = false});
      EXPECT_EQ(tokenizer.decode(ids), source) << name;
    }
  }
}

}  // namespace
}  // namespace hone::testing
