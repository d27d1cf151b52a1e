// Rows kept on disk while it is decided what becomes of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace hone {

/// Texts that are appended one by one and read in any order. They lie in a file that has no name
/// any more, so that nothing is left behind however the program ends. Holds 8 bytes a row and what
/// is not yet written, at most a megabyte.
class RowSpool {
 public:
  /// A file in `folder`, which must have room for all rows. Throws `Error` where it cannot be made.
  explicit RowSpool(const std::filesystem::path& folder);
  ~RowSpool();
  RowSpool(const RowSpool&) = delete;
  RowSpool& operator=(const RowSpool&) = delete;

  /// Throws `Error` where the disk is full; so does `at`, which writes what is left.
  void append(std::string_view row);

  std::size_t size() const { return ends_.size(); }
  /// Row `index`, counted from 0.
  std::string at(std::size_t index);

 private:
  void flush();

  std::filesystem::path folder_;
  int descriptor_ = -1;
  std::vector<std::uint64_t> ends_;  // in the file, of each row
  std::uint64_t written_ = 0;
  std::string buffer_;  // what comes behind `written_`
};

}  // namespace hone
