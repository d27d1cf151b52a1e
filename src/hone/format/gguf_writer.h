// Writing GGUF files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <hone/format/gguf.h>

namespace hone {

/// Collects metadata and tensors and writes them as GGUF version 3.
///
/// The bytes of tensors are not copied: they must live until `write` returns. Values appear in the
/// order they are added.
class GgufWriter {
 public:
  /// `alignment`: bytes to which tensors are aligned, a power of two from 8; written as metadata
  /// where it is not 32. Throws `Error` for another number.
  explicit GgufWriter(std::uint32_t alignment = 32);

  /// Each adds one value. Throws `Error` for a key that is there already.
  void add_string(std::string_view key, std::string_view value);
  void add_u32(std::string_view key, std::uint32_t value);
  void add_i32(std::string_view key, std::int32_t value);
  void add_u64(std::string_view key, std::uint64_t value);
  void add_f32(std::string_view key, float value);
  void add_bool(std::string_view key, bool value);
  void add_strings(std::string_view key, std::span<const std::string> values);
  void add_i32s(std::string_view key, std::span<const std::int32_t> values);
  void add_f32s(std::string_view key, std::span<const float> values);

  /// Adds a value as it was read from another file.
  void add_value(std::string_view key, const GgufValue& value);

  /// Adds a tensor; `shape` innermost dimension first. Throws `Error` where the name is there
  /// already, there are more than 4 dimensions, or `bytes` do not fit type and shape.
  void add_tensor(std::string_view name,
                  GgmlType type,
                  const std::vector<std::int64_t>& shape,
                  std::string_view bytes);

  /// Writes everything to `path` through a temporary file. Throws `Error` where that fails.
  void write(const std::filesystem::path& path) const;

 private:
  struct Tensor {
    std::string name;
    GgmlType type;
    std::vector<std::int64_t> shape;
    std::string_view bytes;
  };

  void start_value(std::string_view key, GgufType type);
  std::string head() const;

  std::uint32_t alignment_;
  std::uint64_t count_ = 0;
  std::string values_;  // key-value pairs as they lie in the file
  std::set<std::string, std::less<>> keys_;
  std::vector<Tensor> tensors_;
};

}  // namespace hone
