#include <algorithm>

#include <hone/text/jinja_text.h>

namespace hone::jinja {

void Text::append(std::string_view bytes, Tag tag) {
  if (bytes.empty()) return;
  if (bytes_.empty()) {
    tag_ = tag;
    runs_.clear();
  }
  const std::size_t before = bytes_.size();
  bytes_.append(bytes);
  if (runs_.empty()) {
    if (tag == tag_) return;
    runs_.push_back({before, tag_});
  }
  if (runs_.back().tag == tag) {
    runs_.back().end = bytes_.size();
  } else {
    runs_.push_back({bytes_.size(), tag});
  }
}

void Text::append(const Text& other, std::size_t begin, std::size_t end) {
  if (begin >= end) return;
  const std::string_view view(other.bytes_);
  if (other.runs_.empty()) return append(view.substr(begin, end - begin), other.tag_);
  std::size_t from = begin;
  for (std::size_t run = other.run_at(begin); from < end; ++run) {
    const std::size_t to = std::min(end, other.runs_[run].end);
    append(view.substr(from, to - from), other.runs_[run].tag);
    from = to;
  }
}

Text Text::slice(std::size_t begin, std::size_t end) const {
  Text result;
  result.append(*this, begin, end);
  result.markup = markup;
  return result;
}

std::size_t Text::run_at(std::size_t position) const {
  const auto found = std::upper_bound(runs_.begin(), runs_.end(), position,
                                      [](std::size_t at, const Run& run) { return at < run.end; });
  return std::min<std::size_t>(static_cast<std::size_t>(found - runs_.begin()), runs_.size() - 1);
}

Tag Text::tag_at(std::size_t position) const {
  return runs_.empty() ? tag_ : runs_[run_at(position)].tag;
}

void Text::mark_generated() {
  tag_ |= 1;
  for (Run& run : runs_) run.tag |= 1;
}

}  // namespace hone::jinja
