// One hash over many values, each told apart from its neighbours.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <hone/base/json_io.h>

namespace hone {

/// XXH3 (64 bits) over a sequence of values. The same values in the same order give the same hash
/// on every machine.
class ContentHash {
 public:
  ContentHash();
  ~ContentHash();
  ContentHash(const ContentHash&) = delete;
  ContentHash& operator=(const ContentHash&) = delete;

  ContentHash& add(std::int64_t value);
  ContentHash& add(std::string_view text);
  ContentHash& add(const char* text) { return add(std::string_view(text)); }

  /// A JSON value without regard to the order of its keys and to settings that move offsets alone.
  ContentHash& add_json(const Json& value);

  /// 16 hexadecimal digits.
  std::string hex() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hone
