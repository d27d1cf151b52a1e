#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <hone/base/files.h>
#include <hone/text/byte_level.h>
#include <hone/text/gguf_vocabulary.h>
#include <hone/text/tiktoken.h>

#include "tokenizer_support.h"

namespace hone::testing {
namespace {

Tokenizer tokenizer_from_parts(TokenizerParts parts) {
  return Tokenizer(std::make_shared<const Tokenizer::Model>(std::move(parts)));
}

std::string base64(const std::string& bytes) {
  constexpr const char* kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    std::uint32_t bits = 0;
    const auto count = std::min<std::size_t>(3, bytes.size() - at);
    for (std::size_t i = 0; i < 3; ++i)
      bits = bits << 8 | (i < count ? static_cast<unsigned char>(bytes[at + i]) : 0u);
    for (std::size_t i = 0; i < 4; ++i)
      text += i <= count ? kDigits[bits >> (18 - 6 * i) & 63] : '=';
  }
  return text;
}

/// The vocabulary of byte_level.json as a rank file.
std::string rank_file() {
  const ByteAlphabet alphabet;
  std::map<std::int64_t, std::string> by_rank;
  const auto fixture = text_fixture("byte_level.json");
  for (const auto& [token, id] : fixture["model"]["vocab"].items()) {
    if (const auto bytes = alphabet.read(token)) by_rank[id.get<std::int64_t>()] = *bytes;
  }
  std::string file;
  for (const auto& [rank, bytes] : by_rank)
    file += base64(bytes) + " " + std::to_string(rank) + "\n";
  return file;
}

TEST(Tiktoken, GivesTheIdsOfTheSameVocabularyWithMerges) {
  const auto tokenizer = tokenizer_from_parts(read_tiktoken(rank_file(), "tokenizer.model"));
  auto file = text_fixture("byte_level.json");
  file["added_tokens"] = Json::array();
  file["normalizer"] = nullptr;
  file["post_processor"] = nullptr;
  file["model"]["ignore_merges"] = true;
  file["pre_tokenizer"] = read_tiktoken(rank_file(), "tokenizer.model").pre_tokenizer;
  const auto other = tokenizer_from(file);
  for (const auto& text : fixture_texts("texts")) {
    EXPECT_EQ(tokenizer.encode(text), other.encode(text)) << text;
    EXPECT_EQ(tokenizer.decode(tokenizer.encode(text)), text);
  }
}

TEST(Tiktoken, IsToldFromSentencePieceByItsContent) {
  EXPECT_TRUE(is_tiktoken(rank_file()));
  EXPECT_FALSE(is_tiktoken(read_file(fixture_path("text/pieces_bpe.model"))));
  EXPECT_FALSE(is_tiktoken(""));
  const TemporaryFolder folder;
  folder.file("tokenizer.model", rank_file());
  EXPECT_EQ(load_tokenizer(folder.path()).encode("a lamp"),
            load_tokenizer(folder / "tokenizer.model").encode("a lamp"));
}

TEST(Tiktoken, BadLinesAreNamed) {
  const auto message = [](const std::string& file) {
    return error_of([&] { read_tiktoken(file, "tokenizer.model"); });
  };
  const auto file = rank_file();
  EXPECT_NE(message(file + "QQ= 5000\n").find("tokenizer.model:"), std::string::npos);
  EXPECT_NE(message(file + "QUFB\n").find("and its rank"), std::string::npos);
  EXPECT_NE(message(file + "QUFBQUFB x\n").find("and its rank"), std::string::npos);
  EXPECT_NE(message(file + "QQ== 5000\n").find("comes twice"), std::string::npos);
  EXPECT_NE(message(file + "QUFBQUFB 99999999\n").find("tokenizer.model"), std::string::npos);
  EXPECT_NE(message(file.substr(file.find('\n') + 1)).find("has no token"), std::string::npos);
}

/// Ids that the library tiktoken 0.14.0 gives with Llama 3's pattern.
TEST(Tiktoken, GivesTheIdsOfTheLibrary) {
  const auto path = shared_path("data/tokenizers/torchtune_tiny/tiktoken_small.model");
  if (!path) GTEST_SKIP() << "the shared data is not here";
  const auto tokenizer = load_tokenizer(*path);
  EXPECT_EQ(
      tokenizer.encode("Hello world, it's 12345 lamps!"),
      Ids({72, 381, 111, 441, 307, 44, 312, 475, 32, 49, 50, 51, 52, 53, 305, 354, 1497, 33}));
  EXPECT_EQ(tokenizer.encode("I'LL be   there"), Ids({73, 39, 76, 76, 296, 609, 443}));
  const auto ids =
      tokenizer.encode(read_file(*shared_path("data/tokenizers/sentencepiece/botchan.txt")));
  std::int64_t sum = 0;
  for (const auto id : ids) sum = (sum * 31 + id) % 1000000007;
  EXPECT_EQ(ids.size(), 90770u);
  EXPECT_EQ(sum, 21580151);
}

}  // namespace
}  // namespace hone::testing
