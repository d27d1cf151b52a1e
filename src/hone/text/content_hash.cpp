#include <algorithm>
#include <array>
#include <vector>

#include <nlohmann/json.hpp>
#include <xxhash.h>

#include <hone/text/content_hash.h>

namespace hone {

struct ContentHash::State {
  XXH3_state_t* xxh = XXH3_createState();
  State() { XXH3_64bits_reset(xxh); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { XXH3_freeState(xxh); }
};

ContentHash::ContentHash() : state_(std::make_unique<State>()) {}
ContentHash::~ContentHash() = default;

ContentHash& ContentHash::add(std::int64_t value) {
  std::array<unsigned char, 8> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<unsigned char>(static_cast<std::uint64_t>(value) >> (8 * i));
  }
  XXH3_64bits_update(state_->xxh, bytes.data(), bytes.size());
  return *this;
}

ContentHash& ContentHash::add(std::string_view text) {
  add(static_cast<std::int64_t>(text.size()));
  XXH3_64bits_update(state_->xxh, text.data(), text.size());
  return *this;
}

ContentHash& ContentHash::add_json(const Json& value) {
  if (value.is_array()) {
    add("[");
    for (const auto& member : value) add_json(member);
    return add("]");
  }
  if (!value.is_object()) return add(std::string_view(value.dump()));
  std::vector<std::string> keys;
  for (const auto& [key, member] : value.items()) {
    if (key != "trim_offsets") keys.push_back(key);
  }
  std::sort(keys.begin(), keys.end());
  add("{");
  for (const auto& key : keys) add(std::string_view(key)).add_json(value.at(key));
  return add("}");
}

std::string ContentHash::hex() const {
  constexpr std::string_view kDigits = "0123456789abcdef";
  const auto value = XXH3_64bits_digest(state_->xxh);
  std::string out;
  for (int shift = 60; shift >= 0; shift -= 4) out += kDigits[value >> shift & 15];
  return out;
}

}  // namespace hone
