// Files that are packed with gzip or zstd, unpacked piece by piece.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace hone {

/// Unpacks the bytes of one file as they come: every member of a gzip file, every frame of a zstd
/// file, one after the other.
class Unpacker {
 public:
  virtual ~Unpacker() = default;

  /// Takes what it can from the front of `in` and writes unpacked bytes to `out`; returns how many.
  /// Nothing is written only where all of `in` was taken: give more, or call `finish`. Throws
  /// `Error` starting with the file's name where the data are damaged.
  virtual std::size_t unpack(std::string_view& in, std::span<char> out) = 0;

  /// Says that no more bytes come. Throws `Error` where the packed data end early.
  virtual void finish() const = 0;
};

/// The unpacker for a file that begins with `bytes`, or nothing where they are no beginning of a
/// gzip or zstd file. `name` is for messages.
std::unique_ptr<Unpacker> make_unpacker(std::string_view bytes, const std::filesystem::path& name);

/// The name of a file without `.gz` or `.zst`, so that what is left tells the format.
std::filesystem::path unpacked_name(std::filesystem::path name);

/// All of what `bytes` unpack to; `bytes` themselves where they are not packed. Throws `Error` as
/// `Unpacker` does.
std::string decompressed(std::string_view bytes, const std::filesystem::path& name);

}  // namespace hone
