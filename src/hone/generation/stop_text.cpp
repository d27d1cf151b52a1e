#include <algorithm>
#include <utility>

#include <hone/generation/stop_text.h>

namespace hone {

StopText::StopText(std::vector<std::string> stops) : stops_(std::move(stops)) {
  std::erase(stops_, "");
}

/// Length of the longest end of `pending_` that begins a stop string.
std::size_t StopText::held_back() const {
  std::size_t longest = 0;
  for (const auto& stop : stops_) {
    for (std::size_t size = std::min(stop.size() - 1, pending_.size()); size > longest; --size) {
      if (pending_.ends_with(std::string_view(stop).substr(0, size))) longest = size;
    }
  }
  return longest;
}

std::string StopText::push(std::string_view piece) {
  if (stopped_) return "";
  pending_ += piece;
  auto found = std::string::npos;
  for (const auto& stop : stops_) found = std::min(found, pending_.find(stop));
  stopped_ = found != std::string::npos;
  const auto certain = stopped_ ? found : pending_.size() - held_back();
  auto text = pending_.substr(0, certain);
  pending_.erase(0, stopped_ ? pending_.size() : certain);
  return text;
}

std::string StopText::finish() {
  return std::exchange(pending_, "");
}

}  // namespace hone
