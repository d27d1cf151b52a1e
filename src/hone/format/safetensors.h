// safetensors files: one header of JSON, then the data, read through a memory map and written as a
// stream.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <hone/format/dtype.h>

namespace hone {

/// The metadata key under which hone keeps the checksum of a file that it wrote.
inline constexpr std::string_view kChecksumKey = "hone.xxh3";

/// A named tensor whose elements lie elsewhere: in a map, or in memory of the caller's.
struct TensorView {
  std::string name;
  DType dtype = DType::F32;
  std::vector<std::int64_t> shape;
  std::string_view bytes;  ///< little-endian elements, last dimension contiguous
};

/// Whether the bytes may be read in place as elements: files of other programs may lay them at any
/// address.
bool is_aligned(const TensorView& tensor);

/// What a reader does about the checksum.
enum class Verify : std::uint8_t {
  kIfPresent,  ///< a checksum in the file must be right (reads every byte once)
  kRequire,    ///< as above, and a file without one is refused: for what only hone writes
  kSkip,       ///< do not look: for base models of many gigabytes
};

/// Whether a writer adds one.
enum class Checksum : std::uint8_t { kNone, kAdd };

/// A safetensors file, mapped into memory. Copies share the map.
///
/// Strict: header of at most 100 MB that starts with `{`, each name once, offsets that cover the
/// data without hole or overlap, sizes that agree with dtype and shape, nothing after the last
/// tensor.
class SafetensorsFile {
 public:
  /// Maps and checks `path`. Throws `Error` naming the file, the tensor, and what was expected and
  /// found.
  explicit SafetensorsFile(const std::filesystem::path& path, Verify verify = Verify::kIfPresent);

  /// The same from bytes in memory; `owner` keeps them alive, `name` stands for the path in
  /// messages.
  static SafetensorsFile from_bytes(std::string_view bytes,
                                    std::shared_ptr<const void> owner,
                                    std::filesystem::path name,
                                    Verify verify = Verify::kIfPresent);

  /// Every tensor, in the order of the data.
  const std::vector<TensorView>& tensors() const { return tensors_; }

  /// The tensor of that name, or null.
  const TensorView* find(std::string_view name) const;

  /// The tensor of that name. Throws `Error` naming file and tensor where it is missing.
  const TensorView& at(std::string_view name) const;

  /// The strings of `__metadata__`, the checksum among them.
  const std::map<std::string, std::string>& metadata() const { return metadata_; }

  /// Keeps the map alive: hold it as long as a pointer into a tensor is used.
  const std::shared_ptr<const void>& owner() const { return owner_; }

  const std::filesystem::path& path() const { return path_; }

 private:
  SafetensorsFile() = default;
  void parse(std::string_view bytes, Verify verify);
  void verify_checksum(std::string_view header, std::string_view data, Verify verify) const;

  std::filesystem::path path_;
  std::shared_ptr<const void> owner_;
  std::vector<TensorView> tensors_;
  std::map<std::string, std::size_t, std::less<>> index_;
  std::map<std::string, std::string> metadata_;
};

/// Writes `tensors` to `path` through a temporary file, so that a file that is mapped may be
/// written over.
///
/// The header is padded with spaces to a multiple of 8 bytes and the tensors lie by falling dtype,
/// then by name, as the reference implementation writes them. The data is streamed; no copy of it
/// is held. With `Checksum::kAdd` the metadata carries `hone.xxh3`: XXH3-64 over header (that value
/// as 16 zeros) and data; without, a stale value in `metadata` is left out. Throws `Error` for a
/// name twice, text that is not UTF-8, bytes that do not fit dtype and shape, and failures of the
/// file system.
void write_safetensors(const std::filesystem::path& path,
                       std::span<const TensorView> tensors,
                       const std::map<std::string, std::string>& metadata = {},
                       Checksum checksum = Checksum::kNone);

}  // namespace hone
