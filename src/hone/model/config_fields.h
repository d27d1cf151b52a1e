// Typed access to the fields of one JSON object, with messages that name the field.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <hone/base/error.h>
#include <hone/base/json_io.h>

namespace hone {

/// The fields of `json`, which must outlive this. Null and missing are the same. Every getter
/// throws `Error` naming the field where it has another type; the getters without a default throw
/// where it is missing.
class ConfigFields {
 public:
  ConfigFields(const Json& json, std::string place);

  /// The field, or null.
  const Json* find(const char* name) const;

  std::int64_t integer(const char* name) const;
  std::int64_t integer(const char* name, std::int64_t otherwise) const;
  double number(const char* name, double otherwise) const;
  bool boolean(const char* name, bool otherwise) const;
  std::string string(const char* name, const std::string& otherwise) const;
  /// A list, or one value as a list of one; empty where it is missing.
  std::vector<std::int64_t> integers(const char* name) const;
  std::vector<double> numbers(const char* name) const;
  std::vector<std::string> strings(const char* name) const;

  /// The object `name`, whose fields have messages that name both. Throws where it is missing.
  ConfigFields object(const char* name) const;

  const Json& json() const { return json_; }
  const std::string& place() const { return place_; }

 private:
  template <typename T>
  std::vector<T> list(const char* name,
                      T (ConfigFields::*convert)(const char*, const Json&) const) const;
  std::int64_t to_integer(const char* name, const Json& value) const;
  double to_number(const char* name, const Json& value) const;
  std::string to_string(const char* name, const Json& value) const;

  const Json& json_;
  std::string place_;
};

}  // namespace hone
