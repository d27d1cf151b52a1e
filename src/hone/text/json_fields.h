// Typed access to the members of a JSON object, with messages that name file, member and what came.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include <hone/base/json_io.h>

namespace hone {

/// A JSON object and where it stands, such as `tokenizer.json: model`. Refers to the object.
class JsonFields {
 public:
  /// Throws `Error` where `value` is no object.
  JsonFields(const Json& value, std::string place);

  const std::string& place() const { return place_; }

  /// The place of a member, for messages.
  std::string place_of(std::string_view name) const;

  /// The member, or nullptr where it is missing or null.
  const Json* find(std::string_view name) const;

  /// The member; throws `Error` where it is missing or null.
  const Json& at(std::string_view name) const;

  // Members of a given type. The forms with `otherwise` allow them to be missing or null. Each
  // throws `Error` where the member has another type.
  std::string string(std::string_view name) const;
  std::string string(std::string_view name, std::string_view otherwise) const;
  bool boolean(std::string_view name, bool otherwise) const;
  std::int64_t integer(std::string_view name) const;
  std::int64_t integer(std::string_view name, std::int64_t otherwise) const;
  const Json& array(std::string_view name) const;
  const Json& object(std::string_view name) const;

 private:
  const Json& value_;
  std::string place_;
};

/// Throws `Error` saying that `place` must be `wanted` and what `came` is instead.
[[noreturn]] void fail_type(const std::string& place, std::string_view wanted, const Json& came);

}  // namespace hone
