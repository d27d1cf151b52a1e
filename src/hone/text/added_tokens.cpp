#include <algorithm>
#include <utility>

#include <hone/text/added_tokens.h>
#include <hone/text/unicode.h>

namespace hone {
namespace {

/// Whether the match stands alone: no word character touches it.
bool is_single_word(std::string_view text, std::size_t begin, std::size_t end) {
  if (begin > 0 && is_word_character(character_before(text, begin).code_point)) return false;
  return end == text.size() || !is_word_character(character_at(text, end).code_point);
}

std::size_t skip_space_before(std::string_view text, std::size_t begin) {
  while (begin > 0) {
    const auto before = character_before(text, begin);
    if (!is_white_space(before.code_point)) break;
    begin -= before.bytes;
  }
  return begin;
}

std::size_t skip_space_after(std::string_view text, std::size_t end) {
  while (end < text.size()) {
    const auto after = character_at(text, end);
    if (!is_white_space(after.code_point)) break;
    end += after.bytes;
  }
  return end;
}

}  // namespace

TokenTrie::TokenTrie() : nodes_(1), starts_(256, false) {}

void TokenTrie::add(std::string_view text, std::size_t value) {
  if (text.empty()) return;
  starts_[static_cast<unsigned char>(text[0])] = true;
  std::size_t node = 0;
  for (const char byte : text) {
    const auto [child, inserted] = nodes_[node].children.try_emplace(byte, nodes_.size());
    node = child->second;
    if (inserted) nodes_.emplace_back();
  }
  if (nodes_[node].value == kNoValue) nodes_[node].value = value;
}

std::optional<TokenTrie::Match> TokenTrie::find(std::string_view text, std::size_t from) const {
  for (std::size_t begin = from; begin < text.size(); ++begin) {
    if (!starts_[static_cast<unsigned char>(text[begin])]) continue;
    std::optional<Match> longest;
    std::size_t node = 0;
    for (std::size_t at = begin; at < text.size(); ++at) {
      const auto child = nodes_[node].children.find(text[at]);
      if (child == nodes_[node].children.end()) break;
      node = child->second;
      if (nodes_[node].value != kNoValue) longest = Match{begin, at + 1, nodes_[node].value};
    }
    if (longest) return longest;
  }
  return std::nullopt;
}

AddedTokens::AddedTokens(std::vector<AddedToken> tokens,
                         const std::function<std::string(std::string_view)>& normalize)
    : tokens_(std::move(tokens)) {
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    by_id_.emplace(tokens_[i].id, i);
    if (tokens_[i].normalized) {
      normalized_.add(normalize(tokens_[i].content), i);
    } else {
      raw_.add(tokens_[i].content, i);
    }
  }
}

const AddedToken* AddedTokens::find(std::int64_t id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : &tokens_[found->second];
}

void AddedTokens::split(const TokenTrie& trie,
                        std::string_view text,
                        bool parse_special,
                        const OnToken& on_token,
                        const OnText& on_text) const {
  std::size_t done = 0;
  std::size_t from = 0;
  while (const auto match = trie.empty() ? std::nullopt : trie.find(text, from)) {
    from = match->end;
    const auto& token = tokens_[match->value];
    if (token.special && !parse_special) continue;
    if (token.single_word && !is_single_word(text, match->begin, match->end)) continue;
    auto begin = match->begin;
    auto end = match->end;
    // Space that the token before has taken stays its own.
    if (token.lstrip) begin = std::max(skip_space_before(text, begin), done);
    if (token.rstrip) end = skip_space_after(text, end);
    if (begin > done) on_text(text.substr(done, begin - done));
    on_token(token.id);
    done = end;
  }
  if (done < text.size()) on_text(text.substr(done));
}

}  // namespace hone
