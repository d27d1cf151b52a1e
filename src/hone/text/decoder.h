// From tokens back to text: the "decoder" of tokenizer.json, run token by token.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hone/base/json_io.h>
#include <hone/text/byte_level.h>
#include <hone/text/decode_state.h>

namespace hone {

/// Rewrites tokens to text and joins their bytes to characters.
class TokenDecoder {
 public:
  /// Joins tokens by spaces, as the reference does where a tokenizer has no decoder.
  TokenDecoder() = default;

  /// From the JSON of tokenizer.json: null, ByteLevel, Metaspace, Replace (of a string),
  /// ByteFallback, Fuse, Strip, Sequence. Throws `Error` starting with `place` for anything else.
  TokenDecoder(const Json& description, const std::string& place);

  /// Appends to `out` the text that is certain after `token`. An added token is never written in
  /// the byte-level alphabet.
  void push(std::string_view token, bool added, DecodeState& state, std::string& out) const;

  /// Appends what is left: U+FFFD for an incomplete character.
  void finish(DecodeState& state, std::string& out) const;

 private:
  struct Strip {
    std::string character;
    std::size_t count = 0;
  };

  void add(const Json& description, const std::string& place);
  void add_replace(const Json& description, const std::string& place);
  void add_strip(const Json& description, const std::string& place);
  void add_metaspace(const Json& description, const std::string& place);
  std::string bytes_of(std::string_view token, bool added, const DecodeState& state) const;
  void strip_start(std::string& bytes, DecodeState& state) const;

  ByteAlphabet alphabet_;
  bool joined_by_spaces_ = true;
  bool byte_level_ = false;
  bool byte_fallback_ = false;
  bool fused_ = false;
  std::vector<std::pair<std::string, std::string>> replacements_;
  std::string metaspace_;  ///< the character that stands for a space; empty: none
  bool drops_first_metaspace_ = false;
  std::optional<Strip> token_strip_;  ///< at the start of each token
  std::optional<Strip> text_strip_;   ///< at the start of the text
};

}  // namespace hone
