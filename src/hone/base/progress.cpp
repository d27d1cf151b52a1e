#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include <unistd.h>

#include <hone/base/error.h>
#include <hone/base/progress.h>

namespace hone {
namespace {

constexpr double kTerminalInterval = 0.1;  // seconds between two drawings
constexpr double kPlainInterval = 10.0;

double seconds_between(std::chrono::steady_clock::time_point from,
                       std::chrono::steady_clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

}  // namespace

Progress::Progress(std::ostream& out, Options options)
    : out_(out), options_(std::move(options)), started_(Clock::now()), drawn_(started_) {}

Progress::~Progress() {
  finish();
}

void Progress::start_at(std::int64_t steps) {
  skipped_ = done_ = steps;
}

void Progress::advance(std::int64_t steps, double units, const std::string& note) {
  done_ += steps;
  units_ += units;
  note_ = note;
  const auto now = Clock::now();
  if (seconds_between(started_, now) < options_.quiet_seconds) return;
  const double interval = options_.terminal ? kTerminalInterval : kPlainInterval;
  if (visible_ && seconds_between(drawn_, now) < interval) return;
  drawn_ = now;
  draw(false);
}

void Progress::finish() {
  if (std::exchange(finished_, true)) return;
  if (!visible_ && seconds_between(started_, Clock::now()) < options_.quiet_seconds) return;
  draw(true);
}

void Progress::draw(bool last) {
  visible_ = true;
  const double elapsed = seconds_between(started_, Clock::now());
  std::string line = concat(options_.label, "  ", done_);
  if (options_.total > 0) {
    line += concat("/", options_.total);
  }
  if (!options_.step_unit.empty()) line += " " + options_.step_unit;
  if (options_.total > 0) line += concat("  ", 100 * done_ / options_.total, "%");
  if (!options_.rate_unit.empty() && elapsed > 0) {
    line += concat("  ", format_count(units_ / elapsed), " ", options_.rate_unit, "/s");
  }
  const auto fresh = done_ - skipped_;
  if (last) {
    line += concat("  ", format_duration(elapsed));
  } else if (options_.total > 0 && fresh > 0) {
    const double left =
        elapsed / static_cast<double>(fresh) * static_cast<double>(options_.total - done_);
    line += concat("  ", format_duration(left), " left");
  }
  if (!note_.empty()) line += "  " + note_;
  if (options_.terminal) {
    out_ << '\r' << line << "\x1b[K" << (last ? "\n" : "") << std::flush;
  } else {
    out_ << line << '\n' << std::flush;
  }
}

bool stderr_is_terminal() {
  const char* term = std::getenv("TERM");
  return ::isatty(STDERR_FILENO) == 1 && (term == nullptr || std::strcmp(term, "dumb") != 0);
}

std::string format_duration(double seconds) {
  const auto whole = static_cast<long long>(std::llround(seconds));
  char text[32];
  if (whole >= 3600) {
    std::snprintf(text, sizeof text, "%lld:%02lld:%02lld", whole / 3600, whole / 60 % 60,
                  whole % 60);
  } else {
    std::snprintf(text, sizeof text, "%lld:%02lld", whole / 60, whole % 60);
  }
  return text;
}

std::string format_count(double value) {
  auto digits = std::to_string(std::llround(value));
  const std::size_t first = digits[0] == '-' ? 1 : 0;
  for (std::size_t at = digits.size(); at > first + 3; at -= 3) digits.insert(at - 3, 1, ',');
  return digits;
}

std::string format_count(std::int64_t value) {
  return format_count(static_cast<double>(value));
}

}  // namespace hone
