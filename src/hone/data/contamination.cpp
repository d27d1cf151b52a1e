#include <hone/base/error.h>
#include <hone/data/contamination.h>
#include <hone/data/labelled.h>
#include <hone/data/task_support.h>
#include <hone/data/words.h>

namespace hone {
namespace {

std::string join(const std::vector<std::string>& words, std::size_t begin, std::size_t count) {
  std::string text;
  for (std::size_t i = begin; i < words.size() && i < begin + count; ++i)
    text += (text.empty() ? "" : " ") + words[i];
  return text;
}

}  // namespace

Contamination::Contamination(std::size_t size) : size_(size) {
  if (size == 0) fail("an n-gram must have at least 1 word");
}

void Contamination::add(const std::vector<std::string>& texts, const std::string& place) {
  const auto number = static_cast<std::uint32_t>(places_.size());
  places_.push_back(place);
  bool is_short = true;
  for (const auto& text : texts) {
    const auto words = normalized_words(text);
    if (words.size() < size_) continue;
    is_short = false;
    for (const auto hash : hash_shingles(words, size_)) n_grams_.try_emplace(hash, number);
  }
  if (!is_short) return;
  ++short_rows_;
  for (const auto& text : texts) {
    const auto words = normalized_words(text);
    if (!words.empty()) whole_.try_emplace(hash_words(words), number);
  }
}

void Contamination::add_file(const std::filesystem::path& path) {
  for_each_labelled({.path = path}, [&](const Json& row, const std::string& place) {
    std::vector<std::string> texts;
    append_texts(row, texts);
    add(texts, place);
  });
}

std::optional<Contamination::Match> Contamination::find(std::string_view text) const {
  const auto words = normalized_words(text);
  const auto& known = words.size() < size_ ? whole_ : n_grams_;
  const auto hashes = hash_shingles(words, size_);
  for (std::size_t i = 0; i < hashes.size(); ++i) {
    const auto found = known.find(hashes[i]);
    if (found != known.end()) return Match{places_[found->second], join(words, i, size_)};
  }
  return std::nullopt;
}

}  // namespace hone
