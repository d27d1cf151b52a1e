// Files: memory-mapped reading, writing beside and renaming, folders that appear whole.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>

namespace hone {

/// A whole file mapped read-only into memory. Copies share the map, which lives as long as one of
/// them.
class MappedFile {
 public:
  /// Maps `path`. Throws `Error` naming the path where it is missing, a folder, or unreadable. An
  /// empty file gives an empty view.
  explicit MappedFile(const std::filesystem::path& path);

  /// Every byte of the file.
  std::string_view bytes() const { return bytes_; }
  const std::filesystem::path& path() const { return path_; }

  /// Keeps the map alive: hold it as long as a pointer into `bytes()` is used.
  std::shared_ptr<const void> owner() const { return owner_; }

 private:
  std::filesystem::path path_;
  std::shared_ptr<const void> owner_;
  std::string_view bytes_;
};

/// The whole file as a string. Throws `Error` where it cannot be read.
std::string read_file(const std::filesystem::path& path);

/// A file that is written beside its final name and appears there only when `commit` is called.
///
/// Where the object is destroyed first, nothing is left behind. Every failed write (a full disk,
/// say) throws `Error` naming the path and the system's reason.
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  /// Appends `bytes`.
  void write(std::string_view bytes);

  /// Replaces the first bytes of what was written by `bytes`, for a header whose counts are known
  /// only at the end.
  void rewrite_start(std::string_view bytes);

  /// Flushes to the disk and renames to the final name, replacing a file that is there.
  void commit();

 private:
  void flush();

  std::filesystem::path path_;
  std::filesystem::path temporary_;
  int descriptor_ = -1;
  std::string buffer_;
};

/// Writes `bytes` to `path` through an `AtomicFile`.
void write_file(const std::filesystem::path& path, std::string_view bytes);

/// A folder that is filled under a temporary name beside its final one and appears there only with
/// `commit`.
///
/// Where the object is destroyed first, the temporary folder is removed.
class AtomicFolder {
 public:
  explicit AtomicFolder(std::filesystem::path path);
  ~AtomicFolder();
  AtomicFolder(const AtomicFolder&) = delete;
  AtomicFolder& operator=(const AtomicFolder&) = delete;

  /// Where to write meanwhile.
  const std::filesystem::path& temporary() const { return temporary_; }

  /// Flushes and renames to the final name. A folder that is there already is replaced.
  void commit();

 private:
  void replace_in_two_steps();  // for file systems that cannot swap two names

  std::filesystem::path path_;
  std::filesystem::path temporary_;
  bool committed_ = false;
};

}  // namespace hone
