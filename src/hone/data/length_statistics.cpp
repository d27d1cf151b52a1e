#include <algorithm>
#include <cmath>

#include <nlohmann/json.hpp>

#include <hone/data/length_statistics.h>

namespace hone {

void LengthStatistics::add(std::int64_t length) {
  ++counts_[length];
  ++count_;
  sum_ += length;
}

double LengthStatistics::mean() const {
  return count_ == 0 ? 0.0 : static_cast<double>(sum_) / static_cast<double>(count_);
}

std::int64_t LengthStatistics::percentile(double share) const {
  const auto wanted = std::max<std::int64_t>(
      1, static_cast<std::int64_t>(std::ceil(share * static_cast<double>(count_))));
  std::int64_t seen = 0;
  for (const auto& [length, count] : counts_) {
    seen += count;
    if (seen >= wanted) return length;
  }
  return 0;
}

Json LengthStatistics::json() const {
  Json json = Json::object();
  json["mean"] = std::round(mean() * 10.0) / 10.0;
  json["min"] = percentile(0.0);
  json["median"] = percentile(0.5);
  json["p90"] = percentile(0.9);
  json["p99"] = percentile(0.99);
  json["max"] = percentile(1.0);
  return json;
}

}  // namespace hone
