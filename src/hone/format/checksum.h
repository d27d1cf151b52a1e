// XXH3-64, the checksum of files that hone writes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace hone {

/// XXH3-64 (seed 0) of bytes that come in pieces. It finds damage; it is no protection against an
/// attacker.
class Xxh3 {
 public:
  Xxh3();
  ~Xxh3();
  Xxh3(const Xxh3&) = delete;
  Xxh3& operator=(const Xxh3&) = delete;

  /// Appends `bytes`.
  void update(std::string_view bytes);

  /// The hash of everything so far; more may follow.
  std::uint64_t digest() const;

  /// `digest` as 16 lower-case hexadecimal digits, most significant first.
  std::string hex_digest() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// XXH3-64 of `bytes`.
std::uint64_t xxh3(std::string_view bytes);

/// XXH3-64 of `bytes` as 16 lower-case hexadecimal digits.
std::string xxh3_hex(std::string_view bytes);

}  // namespace hone
