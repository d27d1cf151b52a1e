// Tokens that are found in the text itself, before any splitting: control tokens and tokens added
// after training.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <hone/text/vocabulary.h>

namespace hone {

/// As in the "added_tokens" of tokenizer.json.
struct AddedToken {
  std::int64_t id = 0;
  std::string content;
  bool single_word = false;  ///< not where a letter or digit stands beside it
  bool lstrip = false;       ///< takes the white space before it along
  bool rstrip = false;       ///< takes the white space after it along
  bool normalized = false;   ///< looked for in the normalised text, in its normalised form
  bool special = false;      ///< a control token: left out when decoding
  bool operator==(const AddedToken&) const = default;
};

/// Finds a set of token texts: at each place the longest that starts there.
class TokenTrie {
 public:
  TokenTrie();

  /// Empty texts are never found. Of equal texts the first counts.
  void add(std::string_view text, std::size_t value);

  bool empty() const { return nodes_.size() == 1; }

  struct Match {
    std::size_t begin;
    std::size_t end;
    std::size_t value;
  };

  /// The first match at or after `from`.
  std::optional<Match> find(std::string_view text, std::size_t from) const;

 private:
  static constexpr std::size_t kNoValue = ~std::size_t{0};
  struct Node {
    std::unordered_map<char, std::size_t> children;
    std::size_t value = kNoValue;
  };

  std::vector<Node> nodes_;
  std::vector<bool> starts_;  ///< bytes that some text starts with
};

/// All added tokens of a tokenizer.
class AddedTokens {
 public:
  AddedTokens() = default;

  /// `normalize` is applied to the content of tokens that are looked for in normalised text.
  AddedTokens(std::vector<AddedToken> tokens,
              const std::function<std::string(std::string_view)>& normalize);

  /// Called for each part of a text in order: a token found, or the text between tokens (never
  /// empty).
  using OnToken = std::function<void(std::int64_t id)>;
  using OnText = std::function<void(std::string_view text)>;

  /// Splits a text that is not normalised at the tokens looked for there. Without `parse_special`
  /// control tokens stay text.
  void split_raw(std::string_view text,
                 bool parse_special,
                 const OnToken& on_token,
                 const OnText& on_text) const {
    split(raw_, text, parse_special, on_token, on_text);
  }

  /// The same for normalised text and the tokens looked for there.
  void split_normalized(std::string_view text,
                        bool parse_special,
                        const OnToken& on_token,
                        const OnText& on_text) const {
    split(normalized_, text, parse_special, on_token, on_text);
  }

  const std::vector<AddedToken>& all() const { return tokens_; }

  /// The token with this id, or nullptr.
  const AddedToken* find(std::int64_t id) const;

 private:
  void split(const TokenTrie& trie,
             std::string_view text,
             bool parse_special,
             const OnToken& on_token,
             const OnText& on_text) const;

  std::vector<AddedToken> tokens_;
  std::unordered_map<std::int64_t, std::size_t> by_id_;
  TokenTrie raw_;
  TokenTrie normalized_;
};

}  // namespace hone
