// Metrics as JSONL: one line per event, readable while the run goes on.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>

#include <hone/base/json_io.h>

namespace hone {

/// Appends one JSON object a line to a file, each flushed as it is written.
class MetricsLog {
 public:
  /// Opens `path`. Lines of an earlier run whose `step` is above `last_step` are dropped: a resumed
  /// run writes them anew. Throws `Error` where the file cannot be written.
  MetricsLog(std::filesystem::path path, std::int64_t last_step);

  /// Appends `event`. Throws `Error` where the disk is full.
  void write(const Json& event);

 private:
  std::filesystem::path path_;
  std::ofstream out_;
};

}  // namespace hone
