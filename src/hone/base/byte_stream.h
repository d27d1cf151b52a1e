// The bytes of a file from front to back, unpacked on the way where they are packed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <hone/base/decompress.h>

namespace hone {

/// Reads a plain, gzip or zstd file of any size in a fixed amount of memory.
class ByteStream {
 public:
  /// Opens `path`. Throws `Error` naming it where it is missing, a folder, or unreadable.
  explicit ByteStream(const std::filesystem::path& path);

  /// Reads `bytes`, which must outlive the stream; `name` stands for a path in messages.
  ByteStream(std::string_view bytes, const std::filesystem::path& name);

  ~ByteStream();
  ByteStream(const ByteStream&) = delete;
  ByteStream& operator=(const ByteStream&) = delete;

  /// Fills the front of `to` with further bytes and returns how many; 0 at the end alone. Throws
  /// `Error` naming the file where reading fails, or packed data are damaged or end early.
  std::size_t read(std::span<char> to);

  /// So many bytes of the file, as it lies on the disk, have been taken.
  std::uint64_t position() const { return position_ - input_.size(); }

 private:
  std::string_view take_input();
  std::size_t read_file(std::span<char> to);

  std::filesystem::path path_;
  int descriptor_ = -1;  // -1: bytes in memory
  std::uint64_t position_ = 0;
  std::string buffer_;      // of packed bytes
  std::string_view input_;  // read, not yet given out
  bool started_ = false;
  std::unique_ptr<Unpacker> unpacker_;
};

}  // namespace hone
