#include <utility>

#include <nlohmann/json.hpp>

#include <hone/base/error.h>
#include <hone/text/json_fields.h>

namespace hone {

void fail_type(const std::string& place, std::string_view wanted, const Json& came) {
  fail(place, " must be ", wanted, ", got ", came.type_name());
}

JsonFields::JsonFields(const Json& value, std::string place)
    : value_(value), place_(std::move(place)) {
  if (!value.is_object()) fail_type(place_, "an object", value);
}

std::string JsonFields::place_of(std::string_view name) const {
  return concat(place_, place_.find(": ") == std::string::npos ? ": " : ".", name);
}

const Json* JsonFields::find(std::string_view name) const {
  const auto found = value_.find(name);
  return found == value_.end() || found->is_null() ? nullptr : &*found;
}

const Json& JsonFields::at(std::string_view name) const {
  const auto* found = find(name);
  if (found == nullptr) fail(place_of(name), " is missing");
  return *found;
}

std::string JsonFields::string(std::string_view name) const {
  const auto& member = at(name);
  if (!member.is_string()) fail_type(place_of(name), "a string", member);
  return member.get<std::string>();
}

std::string JsonFields::string(std::string_view name, std::string_view otherwise) const {
  return find(name) == nullptr ? std::string(otherwise) : string(name);
}

bool JsonFields::boolean(std::string_view name, bool otherwise) const {
  const auto* member = find(name);
  if (member == nullptr) return otherwise;
  if (!member->is_boolean()) fail_type(place_of(name), "true or false", *member);
  return member->get<bool>();
}

std::int64_t JsonFields::integer(std::string_view name) const {
  const auto& member = at(name);
  if (!member.is_number_integer()) fail_type(place_of(name), "an integer", member);
  return member.get<std::int64_t>();
}

std::int64_t JsonFields::integer(std::string_view name, std::int64_t otherwise) const {
  return find(name) == nullptr ? otherwise : integer(name);
}

const Json& JsonFields::array(std::string_view name) const {
  const auto& member = at(name);
  if (!member.is_array()) fail_type(place_of(name), "an array", member);
  return member;
}

const Json& JsonFields::object(std::string_view name) const {
  const auto& member = at(name);
  if (!member.is_object()) fail_type(place_of(name), "an object", member);
  return member;
}

}  // namespace hone
