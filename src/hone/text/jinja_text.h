// Text that remembers where each of its characters came from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hone::jinja {

/// Where a character came from: twice its source, plus 1 inside `{% generation %}`.
///
/// Sources: 0 the template's own literals, k + 1 message k of the input, -1 other input (tools,
/// variables).
using Tag = std::int32_t;

inline constexpr Tag kTemplateTag = 0;
inline constexpr Tag kInputTag = -2;
inline constexpr Tag message_tag(std::size_t message) {
  return 2 * (static_cast<Tag>(message) + 1);
}
inline constexpr std::int32_t source_of(Tag tag) {
  return tag >> 1;
}
inline constexpr bool is_generated(Tag tag) {
  return (tag & 1) != 0;
}

/// UTF-8 bytes with a run-length list of tags. Every string of a template is one; pieces cut from
/// it and texts put together from it keep the tag of each byte.
class Text {
 public:
  Text() = default;
  explicit Text(std::string bytes, Tag tag = kTemplateTag) : bytes_(std::move(bytes)), tag_(tag) {}

  const std::string& bytes() const { return bytes_; }
  std::size_t size() const { return bytes_.size(); }
  bool empty() const { return bytes_.empty(); }

  void append(std::string_view bytes, Tag tag);
  void append(const Text& other) { append(other, 0, other.size()); }
  /// Appends bytes `begin` .. `end` of `other`.
  void append(const Text& other, std::size_t begin, std::size_t end);

  /// Bytes `begin` .. `end`.
  Text slice(std::size_t begin, std::size_t end) const;

  /// The tag of byte `position`; of the last byte for a position behind it, 0 for an empty text.
  Tag tag_at(std::size_t position) const;

  /// Marks every byte as written inside `{% generation %}`.
  void mark_generated();

  /// Calls `visit(begin, end, tag)` for each run of equal tags, in order.
  template <typename Visit>
  void for_each_run(Visit visit) const {
    if (runs_.empty()) {
      if (!bytes_.empty()) visit(std::size_t{0}, bytes_.size(), tag_);
      return;
    }
    std::size_t begin = 0;
    for (const Run& run : runs_) {
      visit(begin, run.end, run.tag);
      begin = run.end;
    }
  }

  /// The text is markup in the sense of the `safe` filter: what is added to it by `+` is
  /// HTML-escaped.
  bool markup = false;

 private:
  struct Run {
    std::size_t end;
    Tag tag;
  };

  std::size_t run_at(std::size_t position) const;

  std::string bytes_;
  Tag tag_ = kTemplateTag;  // of every byte while runs_ is empty
  std::vector<Run> runs_;   // ascending ends; the last is bytes_.size()
};

}  // namespace hone::jinja
