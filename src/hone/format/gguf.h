// GGUF files: typed metadata and tensors, read through a memory map.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <hone/format/quants.h>

namespace hone {

/// Types of metadata values, with their numbers in the file.
enum class GgufType : std::uint32_t {
  kU8 = 0,
  kI8 = 1,
  kU16 = 2,
  kI16 = 3,
  kU32 = 4,
  kI32 = 5,
  kF32 = 6,
  kBool = 7,
  kString = 8,
  kArray = 9,
  kU64 = 10,
  kI64 = 11,
  kF64 = 12,
};

/// `u32`, `string`, ... for messages.
std::string_view gguf_type_name(GgufType type);

/// A tensor of a GGUF file has at most so many dimensions.
inline constexpr std::uint32_t kMaxGgufDimensions = 4;

/// An array of numbers, bools or strings, checked but not yet decoded.
struct GgufArray {
  GgufType element = GgufType::kU8;
  std::uint64_t count = 0;
  std::string_view bytes;  ///< the elements as they lie in the file
};

/// A metadata value. Integers of every width are held in 64 bits; `type` tells the width in the
/// file.
struct GgufValue {
  GgufType type = GgufType::kU8;
  std::variant<std::uint64_t, std::int64_t, double, bool, std::string_view, GgufArray> value;
};

/// A tensor of a GGUF file.
struct GgufTensor {
  std::string_view name;
  GgmlType type = GgmlType::F32;
  std::vector<std::int64_t> shape;  ///< innermost (contiguous) dimension first, as in the file
  std::string_view bytes;           ///< aligned to the file's alignment

  /// Product of `shape`.
  std::int64_t elements() const;
};

/// A GGUF file of version 2 or 3, little-endian, mapped into memory. Copies share the map.
///
/// Every count, length and offset is checked against what is left of the file before it is used.
class GgufFile {
 public:
  /// Maps and checks `path`. Throws `Error` naming the file and the key or tensor.
  explicit GgufFile(const std::filesystem::path& path);

  /// The same from bytes in memory; `owner` keeps them alive, `name` stands for the path in
  /// messages.
  static GgufFile from_bytes(std::string_view bytes,
                             std::shared_ptr<const void> owner,
                             std::filesystem::path name);

  /// 2 or 3.
  std::uint32_t version() const { return version_; }

  /// Bytes to which tensors are aligned.
  std::uint64_t alignment() const { return alignment_; }

  /// The metadata in the order of the file.
  const std::vector<std::pair<std::string_view, GgufValue>>& metadata() const { return metadata_; }

  /// The tensors in the order of the file.
  const std::vector<GgufTensor>& tensors() const { return tensors_; }

  /// The value of `key`, or null.
  const GgufValue* find(std::string_view key) const;

  /// The tensor of that name, or null.
  const GgufTensor* find_tensor(std::string_view name) const;

  /// The tensor of that name. Throws `Error` naming file and tensor where it is missing.
  const GgufTensor& tensor(std::string_view name) const;

  /// Values by type. `get_...` throws `Error` naming file and key where the key is missing;
  /// `find_...` gives nothing. Both throw where the value has another type. Integers convert where
  /// the number fits, floats from f32 and f64.
  std::string get_string(std::string_view key) const;
  std::int64_t get_int(std::string_view key) const;
  std::uint32_t get_u32(std::string_view key) const;
  double get_float(std::string_view key) const;
  bool get_bool(std::string_view key) const;
  std::vector<std::string_view> get_strings(std::string_view key) const;
  std::vector<std::int64_t> get_ints(std::string_view key) const;
  std::vector<float> get_floats(std::string_view key) const;

  std::optional<std::string> find_string(std::string_view key) const;
  std::optional<std::int64_t> find_int(std::string_view key) const;
  std::optional<std::uint32_t> find_u32(std::string_view key) const;
  std::optional<double> find_float(std::string_view key) const;
  std::optional<bool> find_bool(std::string_view key) const;
  /// The views point into the map: hold `owner()` while they are used.
  std::optional<std::vector<std::string_view>> find_strings(std::string_view key) const;
  std::optional<std::vector<std::int64_t>> find_ints(std::string_view key) const;
  std::optional<std::vector<float>> find_floats(std::string_view key) const;

  /// Keeps the map alive: hold it as long as a pointer into a tensor or a string view is used.
  const std::shared_ptr<const void>& owner() const { return owner_; }

  const std::filesystem::path& path() const { return path_; }

 private:
  friend class GgufParser;
  GgufFile() = default;
  [[noreturn]] void fail_missing(std::string_view key) const;
  [[noreturn]] void fail_type(std::string_view key,
                              std::string_view wanted,
                              const GgufValue& value) const;
  const GgufArray* find_array(std::string_view key, std::string_view wanted) const;

  std::filesystem::path path_;
  std::shared_ptr<const void> owner_;
  std::uint32_t version_ = 0;
  std::uint64_t alignment_ = 32;
  std::vector<std::pair<std::string_view, GgufValue>> metadata_;
  std::vector<GgufTensor> tensors_;
  std::map<std::string_view, std::size_t> keys_;
  std::map<std::string_view, std::size_t> names_;
};

}  // namespace hone
