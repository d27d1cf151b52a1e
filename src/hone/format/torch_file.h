// pytorch_model.bin: tensors in a zip archive of torch.save, read through a memory map.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <hone/format/safetensors.h>

namespace hone {

/// A tensor whose elements lie in a storage that it may share with others.
struct StridedView {
  TensorView view;  ///< dtype and shape; `bytes` reach from the first element to the storage's end
  std::vector<std::int64_t> strides;  ///< elements from one index to the next, per dimension
};

/// The tensors of a file of torch.save (torch 1.6 or later), of which nothing but tensors is
/// unpickled.
class TorchFile {
 public:
  /// Maps and checks `path`. Throws `Error` naming the file and what is wrong: no zip archive, an
  /// old or big-endian file, a pickle that holds more than tensors, a storage that is missing or
  /// too short.
  explicit TorchFile(const std::filesystem::path& path);

  /// The same from bytes in memory; `owner` keeps them alive, `name` stands for the path in
  /// messages.
  static TorchFile from_bytes(std::string_view bytes,
                              std::shared_ptr<const void> owner,
                              std::filesystem::path name);

  const std::map<std::string, StridedView, std::less<>>& tensors() const { return tensors_; }

  /// Keeps the map alive.
  const std::shared_ptr<const void>& owner() const { return owner_; }

  const std::filesystem::path& path() const { return path_; }

 private:
  TorchFile() = default;
  void parse(std::string_view bytes);

  std::filesystem::path path_;
  std::shared_ptr<const void> owner_;
  std::map<std::string, StridedView, std::less<>> tensors_;
};

}  // namespace hone
