
#include <hone/base/error.h>
#include <hone/format/gguf.h>
#include <hone/format/safetensors_folder.h>
#include <hone/format/tensor_list.h>
#include <hone/format/torch_file.h>
#include <hone/format/weight_index.h>

namespace hone {
namespace {

StoredTensor stored(const TensorView& tensor) {
  const auto elements = element_count(tensor.shape).value_or(0);
  return {tensor.name, std::string(dtype_name(tensor.dtype)), elements,
          elements * static_cast<std::int64_t>(item_size(tensor.dtype))};
}

std::vector<StoredTensor> gguf_tensors(const std::filesystem::path& path) {
  const GgufFile file(path);
  std::vector<StoredTensor> tensors;
  for (const auto& tensor : file.tensors()) {
    tensors.push_back({std::string(tensor.name), std::string(ggml_type_name(tensor.type)),
                       tensor.elements(), static_cast<std::int64_t>(tensor.bytes.size())});
  }
  return tensors;
}

std::vector<StoredTensor> folder_tensors(const std::filesystem::path& path,
                                         const std::string& stem) {
  const SafetensorsFolder folder(path, Verify::kSkip, stem);
  std::vector<StoredTensor> tensors;
  for (const auto& [name, entry] : folder.tensors()) tensors.push_back(stored(*entry.tensor));
  return tensors;
}

void add_torch_tensors(const std::filesystem::path& path, std::vector<StoredTensor>& tensors) {
  const TorchFile file(path);
  for (const auto& [name, tensor] : file.tensors()) {
    tensors.push_back(stored(tensor.view));
    tensors.back().name = name;
  }
}

std::vector<StoredTensor> torch_tensors(const std::filesystem::path& folder) {
  std::vector<StoredTensor> tensors;
  if (std::filesystem::exists(folder / "pytorch_model.bin")) {
    add_torch_tensors(folder / "pytorch_model.bin", tensors);
    return tensors;
  }
  const auto index = folder / "pytorch_model.bin.index.json";
  for (const auto& shard : shards_of(read_weight_map(index), index))
    add_torch_tensors(folder / shard, tensors);
  return tensors;
}

}  // namespace

std::vector<StoredTensor> list_tensors(const std::filesystem::path& path) {
  namespace fs = std::filesystem;
  if (!fs::is_directory(path)) {
    if (path.extension() == ".gguf") return gguf_tensors(path);
    const SafetensorsFile file(path, Verify::kSkip);
    std::vector<StoredTensor> tensors;
    for (const auto& tensor : file.tensors()) tensors.push_back(stored(tensor));
    return tensors;
  }
  for (const char* stem : {"adapter_model", "model"}) {
    const auto file = std::string(stem) + ".safetensors";
    if (fs::exists(path / file) || fs::exists(path / (file + ".index.json")))
      return folder_tensors(path, stem);
  }
  if (fs::exists(path / "pytorch_model.bin") || fs::exists(path / "pytorch_model.bin.index.json"))
    return torch_tensors(path);
  fail(path.string(),
       ": holds no model.safetensors, adapter_model.safetensors or pytorch_model.bin");
}

}  // namespace hone
