// The tokens of a model by id and by their text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace hone {

/// Hash of strings and views alike, so that a map of strings can be searched by a view.
struct StringHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const;
};

template <typename Value>
using StringMap = std::unordered_map<std::string, Value, StringHash, std::equal_to<>>;

/// Token texts by id and ids by text. Ids may have gaps.
class Vocabulary {
 public:
  Vocabulary() = default;
  Vocabulary(const Vocabulary& other);
  Vocabulary(Vocabulary&&) noexcept = default;
  Vocabulary& operator=(Vocabulary other) noexcept;

  /// Adds `token` as `id`. Throws `Error` starting with `place` where the id or the text is taken
  /// already, or the id is negative or so far beyond the number of tokens that the file must be
  /// wrong.
  void add(std::int64_t id, std::string token, const std::string& place);

  std::optional<std::int64_t> id_of(std::string_view token) const;

  /// The text of `id`, or nullptr where no token has it.
  const std::string* find(std::int64_t id) const;

  /// One more than the largest id.
  std::int64_t size() const { return static_cast<std::int64_t>(tokens_.size()); }

  /// Number of tokens, gaps not counted.
  std::size_t count() const { return ids_.size(); }

 private:
  StringMap<std::int32_t> ids_;
  std::vector<const std::string*> tokens_;  ///< the keys of `ids_`, which stay where they are
};

}  // namespace hone
