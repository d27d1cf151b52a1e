#include <algorithm>

#include <nlohmann/json.hpp>

#include <hone/data/tally.h>

namespace hone {

void Tally::add(const std::string& what, std::int64_t count, const std::string& place) {
  auto found = std::ranges::find(entries_, what, &Entry::what);
  if (found == entries_.end()) found = entries_.insert(entries_.end(), {what, 0, place});
  found->count += count;
}

void Tally::add(const std::string& what, const std::string& place) {
  add(what, 1, place);
}

void Tally::add(const Tally& later) {
  for (const auto& entry : later.entries_) add(entry.what, entry.count, entry.first_place);
}

std::int64_t Tally::total() const {
  std::int64_t total = 0;
  for (const auto& entry : entries_) total += entry.count;
  return total;
}

Json Tally::json() const {
  Json list = Json::array();
  for (const auto& entry : entries_) {
    Json item = Json::object();
    item["what"] = entry.what;
    item["count"] = entry.count;
    item["first"] = entry.first_place;
    list.push_back(std::move(item));
  }
  return list;
}

}  // namespace hone
