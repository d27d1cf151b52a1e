#include <algorithm>

#include <xxhash.h>

#include <hone/data/words.h>
#include <hone/text/unicode.h>

namespace hone {
namespace {

/// Words `begin` .. `end`, each closed by a byte that no word holds.
std::uint64_t hash_run(const std::vector<std::string>& words, std::size_t begin, std::size_t end) {
  std::string run;
  for (std::size_t i = begin; i < end; ++i) run.append(words[i]).push_back('\n');
  return XXH3_64bits(run.data(), run.size());
}

}  // namespace

std::vector<std::string> normalized_words(std::string_view text) {
  const auto folded = lowercase(normalize(text, NormalForm::kNfkc));
  std::vector<std::string> words;
  bool inside = false;
  for (std::size_t at = 0; at < folded.size();) {
    const auto character = character_at(folded, at);
    const bool is_word = is_word_character(character.code_point) && character.code_point != '_';
    if (is_word && !inside) words.emplace_back();
    if (is_word) words.back().append(folded, at, character.bytes);
    inside = is_word;
    at += character.bytes;
  }
  return words;
}

std::size_t count_words(std::string_view text) {
  std::size_t words = 0;
  bool inside = false;
  for (std::size_t at = 0; at < text.size();) {
    const auto character = character_at(text, at);
    const bool is_word = !is_white_space(character.code_point);
    if (is_word && !inside) ++words;
    inside = is_word;
    at += character.bytes;
  }
  return words;
}

std::vector<std::uint64_t> hash_shingles(const std::vector<std::string>& words, std::size_t size) {
  if (words.empty()) return {};
  if (words.size() <= size) return {hash_words(words)};
  std::vector<std::uint64_t> hashes;
  hashes.reserve(words.size() - size + 1);
  for (std::size_t i = 0; i + size <= words.size(); ++i)
    hashes.push_back(hash_run(words, i, i + size));
  return hashes;
}

std::uint64_t hash_words(const std::vector<std::string>& words) {
  return hash_run(words, 0, words.size());
}

}  // namespace hone
