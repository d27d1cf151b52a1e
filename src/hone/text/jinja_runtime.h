// What a running template may use up.
#pragma once

#include <cstddef>
#include <cstdint>

#include <hone/base/split_mix.h>
#include <hone/text/jinja_environment.h>

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
  /// `seed` decides what the filter `choice` draws.
  explicit Runtime(std::int64_t now,
                   const Limits& limits = {},
                   Environment environment = Environment::kChat,
                   std::uint64_t seed = 0)
      : limits_(limits), now_(now), environment_(environment), random_(seed) {}

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
  Environment environment() const { return environment_; }
  /// The next random number of this render, in 0 .. bound-1.
  std::uint64_t draw(std::uint64_t bound) { return random_.below(bound); }

 private:
  Limits limits_;
  std::int64_t steps_ = 0;
  std::size_t made_ = 0;
  std::int64_t now_;
  Environment environment_;
  SplitMix random_;
};

}  // namespace hone::jinja
