#include <utility>
#include <vector>

#include <ATen/ATen.h>

#include <hone/base/error.h>
#include <hone/base/utf8.h>
#include <hone/format/safetensors_folder.h>
#include <hone/format/torch_file.h>
#include <hone/format/weight_index.h>
#include <hone/model/tensor_files.h>
#include <hone/model/weight_files.h>

namespace hone {
namespace {

namespace fs = std::filesystem;

constexpr const char* kTorchFile = "pytorch_model.bin";
constexpr const char* kTorchIndex = "pytorch_model.bin.index.json";

bool has_safetensors(const fs::path& folder) {
  return fs::exists(folder / "model.safetensors") ||
         fs::exists(folder / "model.safetensors.index.json");
}

/// A window into a storage; rows need not lie one after the other.
at::Tensor map_strided(const StridedView& strided, const std::shared_ptr<const void>& owner) {
  auto storage = strided.view;
  storage.shape = {static_cast<std::int64_t>(storage.bytes.size() / item_size(storage.dtype))};
  return map_tensor(storage, owner).as_strided(strided.view.shape, strided.strides);
}

}  // namespace

WeightFiles::WeightFiles(const fs::path& folder) {
  if (has_safetensors(folder)) {
    add_safetensors(folder);
  } else if (fs::exists(folder / kTorchFile) || fs::exists(folder / kTorchIndex)) {
    add_torch_files(folder);
  } else {
    fail(folder.string(), ": has neither model.safetensors nor ", kTorchFile,
         ", and no index of shards of either");
  }
}

void WeightFiles::add_safetensors(const fs::path& folder) {
  // The bytes of a large base are not read twice for a checksum.
  const SafetensorsFolder files(folder, Verify::kSkip);
  for (const auto& [name, entry] : files.tensors()) {
    tensors_.emplace(name, [view = *entry.tensor, owner = entry.file->owner()] {
      return map_tensor(view, owner);
    });
  }
}

void WeightFiles::add_torch_files(const fs::path& folder) {
  std::vector<std::string> files = {kTorchFile};
  if (!fs::exists(folder / kTorchFile)) {
    const auto index = folder / kTorchIndex;
    files = shards_of(read_weight_map(index), index);
  }
  for (const auto& name : files) {
    const TorchFile file(folder / name);
    for (const auto& [tensor, view] : file.tensors()) {
      const auto added = tensors_.emplace(
          tensor, [view, owner = file.owner()] { return map_strided(view, owner); });
      if (!added.second)
        fail(file.path().string(), ": tensor ", quote(tensor), " lies in another file too");
    }
  }
}

at::Tensor WeightFiles::find(std::string_view name) const {
  const auto found = tensors_.find(name);
  return found == tensors_.end() ? at::Tensor() : found->second();
}

}  // namespace hone
