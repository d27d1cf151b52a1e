#include <cerrno>
#include <cstring>
#include <utility>

#include <nlohmann/json.hpp>

#include <hone/base/error.h>
#include <hone/base/files.h>
#include <hone/base/metrics_log.h>
#include <hone/base/row_source.h>

namespace hone {
namespace {

/// The lines of steps up to `last_step`. A last line that was cut short is dropped.
std::string lines_until(const std::filesystem::path& path, std::int64_t last_step) {
  std::string kept;
  for_each_line(path, [&](std::string_view line, const std::string&) {
    const auto event = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!event.is_object() || event.value("step", std::int64_t{0}) > last_step) return;
    kept.append(line).push_back('\n');
  });
  return kept;
}

}  // namespace

MetricsLog::MetricsLog(std::filesystem::path path, std::int64_t last_step)
    : path_(std::move(path)) {
  write_file(path_, std::filesystem::exists(path_) ? lines_until(path_, last_step) : "");
  out_.open(path_, std::ios::app);
  if (!out_) fail(path_.string(), ": cannot write: ", std::strerror(errno));
}

void MetricsLog::write(const Json& event) {
  out_ << to_json_line(event) << '\n' << std::flush;
  if (!out_) fail(path_.string(), ": cannot write: ", std::strerror(errno));
}

}  // namespace hone
