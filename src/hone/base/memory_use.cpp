#include <fstream>
#include <sstream>
#include <string>

#include <hone/base/memory_use.h>

namespace hone {
namespace {

/// A line of /proc/self/status in bytes; 0 where there is none.
std::int64_t status_bytes(const std::string& key) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (!line.starts_with(key + ":")) continue;
    std::istringstream numbers(line.substr(key.size() + 1));
    std::int64_t kib = 0;
    numbers >> kib;
    return kib * 1024;
  }
  return 0;
}

}  // namespace

std::int64_t resident_bytes() {
  return status_bytes("VmRSS");
}

std::int64_t peak_resident_bytes() {
  return status_bytes("VmHWM");
}

void forget_peak() {
  std::ofstream("/proc/self/clear_refs") << "5\n";
}

}  // namespace hone
