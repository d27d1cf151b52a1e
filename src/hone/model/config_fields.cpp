#include <utility>

#include <hone/model/config_fields.h>

namespace hone {

ConfigFields::ConfigFields(const Json& json, std::string place)
    : json_(json), place_(std::move(place)) {
  if (!json.is_object()) fail(place_, ": expected an object, got ", json.type_name());
}

const Json* ConfigFields::find(const char* name) const {
  const auto found = json_.find(name);
  return found == json_.end() || found->is_null() ? nullptr : &*found;
}

std::int64_t ConfigFields::integer(const char* name) const {
  const auto* value = find(name);
  if (value == nullptr) fail(place_, ": \"", name, "\" is missing");
  return to_integer(name, *value);
}

std::int64_t ConfigFields::integer(const char* name, std::int64_t otherwise) const {
  const auto* value = find(name);
  return value == nullptr ? otherwise : to_integer(name, *value);
}

double ConfigFields::number(const char* name, double otherwise) const {
  const auto* value = find(name);
  return value == nullptr ? otherwise : to_number(name, *value);
}

bool ConfigFields::boolean(const char* name, bool otherwise) const {
  const auto* value = find(name);
  if (value == nullptr) return otherwise;
  if (!value->is_boolean())
    fail(place_, ": \"", name, "\" must be true or false, got ", value->dump());
  return value->get<bool>();
}

std::string ConfigFields::string(const char* name, const std::string& otherwise) const {
  const auto* value = find(name);
  return value == nullptr ? otherwise : to_string(name, *value);
}

template <typename T>
std::vector<T> ConfigFields::list(const char* name,
                                  T (ConfigFields::*convert)(const char*, const Json&)
                                      const) const {
  const auto* value = find(name);
  if (value == nullptr) return {};
  if (!value->is_array()) return {(this->*convert)(name, *value)};
  std::vector<T> items;
  for (const auto& item : *value) items.push_back((this->*convert)(name, item));
  return items;
}

std::vector<std::int64_t> ConfigFields::integers(const char* name) const {
  return list(name, &ConfigFields::to_integer);
}

std::vector<double> ConfigFields::numbers(const char* name) const {
  return list(name, &ConfigFields::to_number);
}

std::vector<std::string> ConfigFields::strings(const char* name) const {
  return list(name, &ConfigFields::to_string);
}

ConfigFields ConfigFields::object(const char* name) const {
  const auto* value = find(name);
  if (value == nullptr) fail(place_, ": \"", name, "\" is missing");
  return {*value, concat(place_, ": \"", name, "\"")};
}

std::int64_t ConfigFields::to_integer(const char* name, const Json& value) const {
  if (!value.is_number_integer())
    fail(place_, ": \"", name, "\" must be an integer, got ", value.dump());
  return value.get<std::int64_t>();
}

double ConfigFields::to_number(const char* name, const Json& value) const {
  if (!value.is_number()) fail(place_, ": \"", name, "\" must be a number, got ", value.dump());
  return value.get<double>();
}

std::string ConfigFields::to_string(const char* name, const Json& value) const {
  if (!value.is_string()) fail(place_, ": \"", name, "\" must be a string, got ", value.dump());
  return value.get<std::string>();
}

}  // namespace hone
