// Typed access to the metadata of a GGUF file.
#include <cstring>
#include <utility>

#include <hone/base/error.h>
#include <hone/base/utf8.h>
#include <hone/format/dtype.h>
#include <hone/format/gguf.h>

namespace hone {
namespace {

/// Reads `array.count` numbers of type `Stored`, each converted by `convert`.
template <typename Stored, typename Out>
void read_numbers(const GgufArray& array, std::vector<Out>& out) {
  for (std::uint64_t i = 0; i < array.count; ++i) {
    Stored value;
    std::memcpy(&value, array.bytes.data() + i * sizeof(Stored), sizeof(Stored));
    out.push_back(static_cast<Out>(value));
  }
}

/// Whether `array` held integers; then they are in `out`.
bool read_ints(const GgufArray& array, std::vector<std::int64_t>& out) {
  out.reserve(array.count);
  switch (array.element) {
    case GgufType::kU8:
      read_numbers<std::uint8_t>(array, out);
      return true;
    case GgufType::kI8:
      read_numbers<std::int8_t>(array, out);
      return true;
    case GgufType::kU16:
      read_numbers<std::uint16_t>(array, out);
      return true;
    case GgufType::kI16:
      read_numbers<std::int16_t>(array, out);
      return true;
    case GgufType::kU32:
      read_numbers<std::uint32_t>(array, out);
      return true;
    case GgufType::kI32:
      read_numbers<std::int32_t>(array, out);
      return true;
    case GgufType::kI64:
      read_numbers<std::int64_t>(array, out);
      return true;
    case GgufType::kU64:  // u64 as i64 would change large values
    case GgufType::kF32:
    case GgufType::kF64:
    case GgufType::kBool:
    case GgufType::kString:
    case GgufType::kArray:
      break;
  }
  return false;
}

template <typename T>
T required(std::optional<T> value, const auto& missing) {
  if (!value) missing();
  return *std::move(value);
}

}  // namespace

std::string_view gguf_type_name(GgufType type) {
  constexpr std::string_view kNames[] = {"u8",   "i8",     "u16",   "i16", "u32", "i32", "f32",
                                         "bool", "string", "array", "u64", "i64", "f64"};
  return kNames[static_cast<std::uint32_t>(type)];
}

std::int64_t GgufTensor::elements() const {
  return element_count(shape).value_or(0);
}

const GgufValue* GgufFile::find(std::string_view key) const {
  const auto found = keys_.find(key);
  return found == keys_.end() ? nullptr : &metadata_[found->second].second;
}

const GgufTensor* GgufFile::find_tensor(std::string_view name) const {
  const auto found = names_.find(name);
  return found == names_.end() ? nullptr : &tensors_[found->second];
}

const GgufTensor& GgufFile::tensor(std::string_view name) const {
  if (const auto* tensor = find_tensor(name)) return *tensor;
  fail(path_.string(), ": has no tensor ", quote(name));
}

void GgufFile::fail_missing(std::string_view key) const {
  fail(path_.string(), ": has no key ", quote(key));
}

void GgufFile::fail_type(std::string_view key,
                         std::string_view wanted,
                         const GgufValue& value) const {
  const auto* array = std::get_if<GgufArray>(&value.value);
  fail(path_.string(), ": key ", quote(key), " must be ", wanted, ", got ",
       array ? "an array of " : "", gguf_type_name(array ? array->element : value.type));
}

std::optional<std::string> GgufFile::find_string(std::string_view key) const {
  const auto* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (const auto* text = std::get_if<std::string_view>(&value->value)) return std::string(*text);
  fail_type(key, "a string", *value);
}

std::optional<std::int64_t> GgufFile::find_int(std::string_view key) const {
  const auto* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (const auto* number = std::get_if<std::int64_t>(&value->value)) return *number;
  const auto* number = std::get_if<std::uint64_t>(&value->value);
  if (number == nullptr) fail_type(key, "an integer", *value);
  if (!std::in_range<std::int64_t>(*number)) {
    fail(path_.string(), ": key ", quote(key), " must be at most 2^63 - 1, got ", *number);
  }
  return static_cast<std::int64_t>(*number);
}

std::optional<std::uint32_t> GgufFile::find_u32(std::string_view key) const {
  const auto number = find_int(key);
  if (!number) return std::nullopt;
  if (!std::in_range<std::uint32_t>(*number)) {
    fail(path_.string(), ": key ", quote(key), " must be from 0 to 2^32 - 1, got ", *number);
  }
  return static_cast<std::uint32_t>(*number);
}

std::optional<double> GgufFile::find_float(std::string_view key) const {
  const auto* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (const auto* number = std::get_if<double>(&value->value)) return *number;
  fail_type(key, "a float", *value);
}

std::optional<bool> GgufFile::find_bool(std::string_view key) const {
  const auto* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (const auto* truth = std::get_if<bool>(&value->value)) return *truth;
  fail_type(key, "a bool", *value);
}

const GgufArray* GgufFile::find_array(std::string_view key, std::string_view wanted) const {
  const auto* value = find(key);
  if (value == nullptr) return nullptr;
  if (const auto* array = std::get_if<GgufArray>(&value->value)) return array;
  fail_type(key, wanted, *value);
}

std::optional<std::vector<std::string_view>> GgufFile::find_strings(std::string_view key) const {
  const auto* array = find_array(key, "an array of strings");
  if (array == nullptr) return std::nullopt;
  if (array->element != GgufType::kString) fail_type(key, "an array of strings", *find(key));
  std::vector<std::string_view> strings;
  strings.reserve(array->count);
  for (auto rest = array->bytes; !rest.empty();) {
    std::uint64_t length = 0;
    std::memcpy(&length, rest.data(), sizeof(length));
    strings.push_back(rest.substr(sizeof(length), length));
    rest.remove_prefix(sizeof(length) + length);
  }
  return strings;
}

std::optional<std::vector<std::int64_t>> GgufFile::find_ints(std::string_view key) const {
  const auto* array = find_array(key, "an array of integers");
  if (array == nullptr) return std::nullopt;
  std::vector<std::int64_t> numbers;
  if (!read_ints(*array, numbers)) fail_type(key, "an array of integers", *find(key));
  return numbers;
}

std::optional<std::vector<float>> GgufFile::find_floats(std::string_view key) const {
  const auto* array = find_array(key, "an array of f32");
  if (array == nullptr) return std::nullopt;
  if (array->element != GgufType::kF32) fail_type(key, "an array of f32", *find(key));
  std::vector<float> numbers;
  numbers.reserve(array->count);
  read_numbers<float>(*array, numbers);
  return numbers;
}

std::string GgufFile::get_string(std::string_view key) const {
  return required(find_string(key), [&] { fail_missing(key); });
}

std::int64_t GgufFile::get_int(std::string_view key) const {
  return required(find_int(key), [&] { fail_missing(key); });
}

std::uint32_t GgufFile::get_u32(std::string_view key) const {
  return required(find_u32(key), [&] { fail_missing(key); });
}

double GgufFile::get_float(std::string_view key) const {
  return required(find_float(key), [&] { fail_missing(key); });
}

bool GgufFile::get_bool(std::string_view key) const {
  return required(find_bool(key), [&] { fail_missing(key); });
}

std::vector<std::string_view> GgufFile::get_strings(std::string_view key) const {
  return required(find_strings(key), [&] { fail_missing(key); });
}

std::vector<std::int64_t> GgufFile::get_ints(std::string_view key) const {
  return required(find_ints(key), [&] { fail_missing(key); });
}

std::vector<float> GgufFile::get_floats(std::string_view key) const {
  return required(find_floats(key), [&] { fail_missing(key); });
}

}  // namespace hone
