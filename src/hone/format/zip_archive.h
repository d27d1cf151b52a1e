// The directory of a zip archive whose entries are stored as they are, read through a memory map.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace hone {

/// The entries of a zip archive in memory, without a copy. Entries that are compressed or encrypted
/// are refused: what is wanted of them is their bytes in place. Zip64 is read.
class ZipArchive {
 public:
  /// `bytes` must outlive this. Throws `Error` starting with `place` where the directory is
  /// missing, does not fit the file, or names an entry twice.
  ZipArchive(std::string_view bytes, std::string place);

  /// The bytes of every entry by name.
  const std::map<std::string, std::string_view, std::less<>>& entries() const { return entries_; }

 private:
  void read_entry(std::string_view& directory);

  std::string_view bytes_;
  std::string place_;
  std::map<std::string, std::string_view, std::less<>> entries_;
};

}  // namespace hone
