#include <algorithm>
#include <cctype>

#include <hone/base/error.h>
#include <hone/data/record_fields.h>

namespace hone {

const Json* member(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

const char* type_name(const Json* value) {
  return value == nullptr ? "null" : value->type_name();
}

std::string keys_of(const Json& object) {
  std::string keys;
  for (const auto& [key, value] : object.items()) keys += (keys.empty() ? "" : ", ") + key;
  return keys.empty() ? "none" : keys;
}

std::string text_member(const Json& object, const char* key, const std::string& place) {
  const auto* value = member(object, key);
  if (value == nullptr || !value->is_string()) {
    fail(place, ": \"", key, "\" must be a string, got ", type_name(value));
  }
  return value->get<std::string>();
}

std::string optional_text(const Json& object, const char* key, const std::string& place) {
  return member(object, key) == nullptr ? std::string() : text_member(object, key, place);
}

const Json& array_member(const Json& object, const char* key, const std::string& place) {
  const auto* value = member(object, key);
  if (value == nullptr || !value->is_array())
    fail(place, ": \"", key, "\" must be an array, got ", type_name(value));
  if (value->empty()) fail(place, ": \"", key, "\" is empty");
  return *value;
}

bool truth_of(const Json& value, const char* key, const std::string& place) {
  if (value.is_boolean()) return value.get<bool>();
  if (value == 0 || value == 1) return value == 1;
  if (value.is_string()) {
    auto text = value.get<std::string>();
    std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
    if (text == "true" || text == "false") return text == "true";
  }
  fail(place, ": \"", key, "\" must be true or false, got ", to_json_line(value));
}

}  // namespace hone
