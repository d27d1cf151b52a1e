#include <utility>

#include <xxhash.h>

#include <hone/base/error.h>
#include <hone/base/utf8.h>
#include <hone/text/vocabulary.h>

namespace hone {

std::size_t StringHash::operator()(std::string_view text) const {
  return static_cast<std::size_t>(XXH3_64bits(text.data(), text.size()));
}

Vocabulary::Vocabulary(const Vocabulary& other)
    : ids_(other.ids_), tokens_(other.tokens_.size(), nullptr) {
  for (const auto& [token, id] : ids_) tokens_[static_cast<std::size_t>(id)] = &token;
}

Vocabulary& Vocabulary::operator=(Vocabulary other) noexcept {
  ids_.swap(other.ids_);
  tokens_.swap(other.tokens_);
  return *this;
}

void Vocabulary::add(std::int64_t id, std::string token, const std::string& place) {
  constexpr std::int64_t kLargestId = 1 << 24;  // sixty times the largest vocabulary in use
  if (id < 0 || id >= kLargestId)
    fail(place, ": token ", quote(token), " has the impossible id ", id);
  if (const auto* taken = find(id)) {
    fail(place, ": id ", id, " belongs to both ", quote(*taken), " and ", quote(token));
  }
  const auto [entry, inserted] = ids_.try_emplace(std::move(token), static_cast<std::int32_t>(id));
  if (!inserted) {
    fail(place, ": token ", quote(entry->first), " has two ids, ", entry->second, " and ", id);
  }
  const auto index = static_cast<std::size_t>(id);
  if (index >= tokens_.size()) tokens_.resize(index + 1, nullptr);
  tokens_[index] = &entry->first;
}

std::optional<std::int64_t> Vocabulary::id_of(std::string_view token) const {
  const auto found = ids_.find(token);
  if (found == ids_.end()) return std::nullopt;
  return found->second;
}

const std::string* Vocabulary::find(std::int64_t id) const {
  if (id < 0 || id >= size()) return nullptr;
  return tokens_[static_cast<std::size_t>(id)];
}

}  // namespace hone
