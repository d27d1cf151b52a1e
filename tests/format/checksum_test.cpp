#include <string>

#include <gtest/gtest.h>

#include <hone/format/checksum.h>

namespace hone {
namespace {

// Published values of the reference implementation, seed 0.
TEST(Xxh3, KnownAnswers) {
  EXPECT_EQ(xxh3_hex(""), "2d06800538d394c2");
  EXPECT_EQ(xxh3(""), 0x2d06800538d394c2u);
  EXPECT_EQ(xxh3_hex("a"), "e6c632b61e964e1f");
  EXPECT_EQ(xxh3_hex("abc"), "78af5f94892f3950");
}

TEST(Xxh3, PiecesEqualTheWhole) {
  std::string text;
  for (int i = 0; i < 5000; ++i) text += static_cast<char>(i * 131 % 251);
  for (const std::size_t step : {1u, 7u, 64u, 255u, 1024u, 4999u}) {
    Xxh3 hash;
    for (std::size_t at = 0; at < text.size(); at += step)
      hash.update(std::string_view(text).substr(at, step));
    EXPECT_EQ(hash.digest(), xxh3(text)) << step;
    EXPECT_EQ(hash.hex_digest(), xxh3_hex(text));
    hash.update("");
    EXPECT_EQ(hash.digest(), xxh3(text));
  }
}

}  // namespace
}  // namespace hone
