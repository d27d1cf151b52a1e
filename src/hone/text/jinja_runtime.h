// What a running template may use up.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hone::jinja {

/// Bounds on one render, so that no template runs for ever or fills the memory.
struct Limits {
  std::int64_t steps =
      25'000'000;  // expressions and statements run, items and blocks of text gone through
  std::size_t output_bytes = 64u << 20;    // of the rendered text
  std::size_t memory_bytes = 1024u << 20;  // of all texts and lists made on the way
};

/// The most items that `range` may have, as in Jinja's sandbox.
inline constexpr std::int64_t kMaxRange = 100'000;

/// Counts down the limits of one render. Every call throws `Error` where its limit is passed.
class Runtime {
 public:
  /// `now`: seconds since 1970 for strftime_now, in UTC; negative: the clock, in local time.
  explicit Runtime(std::int64_t now, const Limits& limits = {}) : limits_(limits), now_(now) {}

  /// `count` more steps.
  void step(std::int64_t count = 1);
  /// `bytes` of text were gone through; more of them where each takes long.
  void read(std::size_t bytes) { step(static_cast<std::int64_t>(bytes / 64)); }
  /// A text of `bytes` is about to be made.
  void make(std::size_t bytes);
  /// A list of `count` items is about to be made.
  void make_items(std::int64_t count);
  /// The rendered text is `bytes` long.
  void check_output(std::size_t bytes) const;

  std::int64_t now() const { return now_; }

 private:
  Limits limits_;
  std::int64_t steps_ = 0;
  std::size_t made_ = 0;
  std::int64_t now_;
};

}  // namespace hone::jinja
