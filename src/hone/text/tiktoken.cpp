#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <tuple>
#include <unordered_map>
#include <vector>

#include <hone/base/error.h>
#include <hone/base/utf8.h>
#include <hone/text/byte_level.h>
#include <hone/text/known_splits.h>
#include <hone/text/tiktoken.h>

namespace hone {
namespace {

constexpr std::int64_t kLlama3Ranks = 128000;

/// The bytes that `text` writes in base64 (RFC 4648, padded); nothing where it is malformed.
std::optional<std::string> from_base64(std::string_view text) {
  static constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  if (text.empty() || text.size() % 4 != 0) return std::nullopt;
  const auto digits = text.find_last_not_of('=') + 1;
  if (digits + 2 < text.size()) return std::nullopt;
  std::string bytes;
  std::uint32_t bits = 0;
  int held = 0;
  for (const char c : text.substr(0, digits)) {
    const auto value = kDigits.find(c);
    if (value == std::string_view::npos) return std::nullopt;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    bytes += static_cast<char>(bits >> held & 0xff);
  }
  return bytes;
}

struct Line {
  std::string token;  // bytes
  std::int64_t rank = 0;
};

std::optional<Line> read_line(std::string_view line) {
  const auto space = line.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  const auto token = from_base64(line.substr(0, space));
  const auto digits = line.substr(space + 1);
  std::int64_t rank = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), rank);
  if (!token || token->empty() || error != std::errc() || end != digits.data() + digits.size())
    return std::nullopt;
  return Line{*token, rank};
}

std::string_view take_line(std::string_view& rest) {
  const auto end = rest.find('\n');
  auto line = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

using Ranks = std::unordered_map<std::string, std::int64_t>;

Ranks read_ranks(std::string_view bytes, const std::string& place) {
  Ranks ranks;
  std::size_t number = 0;
  while (!bytes.empty()) {
    ++number;
    const auto text = take_line(bytes);
    if (text.empty()) continue;
    const auto line = read_line(text);
    if (!line) fail(place, ":", number, ": a line must be a token in base64 and its rank");
    if (!ranks.emplace(line->token, line->rank).second)
      fail(place, ":", number, ": the token of rank ", line->rank, " comes twice");
  }
  for (int byte = 0; byte < 256; ++byte) {
    if (!ranks.contains(std::string(1, static_cast<char>(byte))))
      fail(place, ": byte ", byte, " has no token");
  }
  return ranks;
}

std::vector<MergePair> merges_of(const Ranks& ranks) {
  struct Way {
    std::int64_t whole, left, right;
    std::string_view first, second;
  };
  std::vector<Way> ways;
  for (const auto& [token, rank] : ranks) {
    for (std::size_t cut = 1; cut < token.size(); ++cut) {
      const auto left = ranks.find(token.substr(0, cut));
      if (left == ranks.end()) continue;
      const auto right = ranks.find(token.substr(cut));
      if (right == ranks.end()) continue;
      ways.push_back({rank, left->second, right->second, left->first, right->first});
    }
  }
  std::sort(ways.begin(), ways.end(), [](const Way& a, const Way& b) {
    return std::tie(a.whole, a.left, a.right) < std::tie(b.whole, b.left, b.right);
  });
  const ByteAlphabet alphabet;
  std::vector<MergePair> merges;
  merges.reserve(ways.size());
  for (const auto& way : ways)
    merges.emplace_back(alphabet.write(way.first), alphabet.write(way.second));
  return merges;
}

/// Llama 3's control tokens, in the order of their ids from 128,000 on.
std::vector<std::string> llama3_tokens() {
  int reserved = 0;
  const auto next = [&] { return concat("<|reserved_special_token_", reserved++, "|>"); };
  std::vector<std::string> tokens = {"<|begin_of_text|>", "<|end_of_text|>"};
  for (int i = 0; i < 4; ++i) tokens.push_back(next());
  tokens.insert(tokens.end(), {"<|start_header_id|>", "<|end_header_id|>"});
  tokens.push_back(next());
  tokens.emplace_back("<|eot_id|>");
  while (tokens.size() < 256) tokens.push_back(next());
  return tokens;
}

}  // namespace

bool is_tiktoken(std::string_view bytes) {
  return read_line(take_line(bytes)).has_value();
}

TokenizerParts read_tiktoken(std::string_view bytes, const std::string& place) {
  const auto ranks = read_ranks(bytes, place);
  const ByteAlphabet alphabet;
  TokenizerParts parts;
  parts.place = place;
  for (const auto& [token, rank] : ranks) parts.vocabulary.add(rank, alphabet.write(token), place);
  parts.merges = merges_of(ranks);
  parts.bpe.ignore_merges = true;
  parts.pre_tokenizer = llama3_split();
  parts.decoder = byte_level_decoder();
  if (parts.vocabulary.size() != kLlama3Ranks) return parts;
  std::int64_t id = kLlama3Ranks;
  for (const auto& token : llama3_tokens())
    add_token(parts, {.id = id++, .content = token, .special = true}, place);
  parts.names.bos = "<|begin_of_text|>";
  parts.names.eos = "<|end_of_text|>";
  return parts;
}

}  // namespace hone
