// A progress line with rate and time left, for anything that takes over two seconds.
#pragma once

#include <chrono>
#include <cstdint>
#include <ostream>
#include <string>

namespace hone {

/// Counts work and renders a line such as `train  120/500  24%  1,830 tokens/s  0:42 left  loss
/// 0.412`.
///
/// On a terminal the line is redrawn in place at most ten times a second; elsewhere a plain line is
/// written at most every ten seconds and at the end. Nothing is written in the first two seconds.
/// Writes only to the stream it is given.
class Progress {
 public:
  struct Options {
    std::string label;        ///< what is being done, the first word of the line
    std::int64_t total = 0;   ///< number of steps; 0: not known
    std::string step_unit{};  ///< what a step is, such as `MB`; empty: not said
    std::string rate_unit;    ///< what `advance` counts as units, such as `tokens`; empty: no rate
    bool terminal = false;    ///< redraw in place
    double quiet_seconds = 2.0;  ///< nothing is shown before
  };

  Progress(std::ostream& out, Options options);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// One more step (or `steps`) done, worth `units`; `note` is shown at the end of the line.
  void advance(std::int64_t steps, double units = 0, const std::string& note = {});

  /// Starts counting at `steps` already done, as a resumed run does. They count for no rate.
  void start_at(std::int64_t steps);

  /// Draws the last state and ends the line. Called by the destructor too.
  void finish();

 private:
  using Clock = std::chrono::steady_clock;
  void draw(bool last);

  std::ostream& out_;
  Options options_;
  Clock::time_point started_;
  Clock::time_point drawn_;
  std::int64_t skipped_ = 0;
  std::int64_t done_ = 0;
  double units_ = 0;
  std::string note_;
  bool visible_ = false;
  bool finished_ = false;
};

/// Whether file descriptor 2 is a terminal that may be redrawn (`TERM` is not `dumb`).
bool stderr_is_terminal();

/// `seconds` as `0:42`, `12:05` or `1:02:03`.
std::string format_duration(double seconds);

/// `value` rounded to an integer with thousands separated by commas: `1,830`.
std::string format_count(double value);
std::string format_count(std::int64_t value);

}  // namespace hone
