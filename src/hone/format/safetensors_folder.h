// A folder of safetensors: one file, or shards with an index.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <hone/format/safetensors.h>

namespace hone {

/// The tensors of `<stem>.safetensors`, or of all shards that `<stem>.safetensors.index.json`
/// lists.
///
/// Tensors that lie in a shard without being in the index are offered too.
class SafetensorsFolder {
 public:
  /// One tensor and the file that keeps its bytes alive.
  struct Entry {
    const TensorView* tensor = nullptr;
    const SafetensorsFile* file = nullptr;
  };

  /// Opens and checks everything. The single file wins where both are there, as in other readers.
  /// Throws `Error` where neither is there, a shard is missing (before any is opened), the index
  /// names a tensor that its shard lacks, or a path in the index leaves the folder.
  explicit SafetensorsFolder(const std::filesystem::path& folder,
                             Verify verify = Verify::kIfPresent,
                             const std::string& stem = "model");

  SafetensorsFolder(SafetensorsFolder&&) = default;
  SafetensorsFolder& operator=(SafetensorsFolder&&) = default;

  /// Every tensor by name.
  const std::map<std::string, Entry, std::less<>>& tensors() const { return tensors_; }

  /// The tensor of that name; its fields are null where it is missing.
  Entry find(std::string_view name) const;

  /// The tensor of that name. Throws `Error` naming folder and tensor where it is missing.
  Entry at(std::string_view name) const;

  const std::vector<SafetensorsFile>& files() const { return files_; }
  const std::filesystem::path& path() const { return folder_; }

 private:
  void open_shards(const std::filesystem::path& index, Verify verify);
  void add_unlisted();

  std::filesystem::path folder_;
  std::vector<SafetensorsFile> files_;  // never grows once `tensors_` points into it
  std::map<std::string, Entry, std::less<>> tensors_;
};

}  // namespace hone
