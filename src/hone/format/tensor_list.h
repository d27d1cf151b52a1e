// The tensors of a model as it lies on the disk, in any format, without reading their elements.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace hone {

/// A tensor of a file.
struct StoredTensor {
  std::string name;
  std::string type;  ///< `BF16`, `Q4_1`, ...
  std::int64_t elements = 0;
  std::int64_t bytes = 0;
};

/// The tensors of `path`: a `.gguf` or `.safetensors` file, or a folder with `model.safetensors`,
/// `adapter_model.safetensors` or `pytorch_model.bin`, or the shards of one. Throws `Error` naming
/// the path where it is none, or damaged.
std::vector<StoredTensor> list_tensors(const std::filesystem::path& path);

}  // namespace hone
