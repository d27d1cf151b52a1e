#include <set>
#include <utility>

#include <hone/base/error.h>
#include <hone/base/utf8.h>
#include <hone/format/safetensors_folder.h>
#include <hone/format/weight_index.h>

namespace hone {
namespace fs = std::filesystem;

SafetensorsFolder::SafetensorsFolder(const fs::path& folder, Verify verify, const std::string& stem)
    : folder_(folder) {
  const auto single = folder / (stem + ".safetensors");
  const auto index = folder / (stem + ".safetensors.index.json");
  if (fs::exists(single)) {
    files_.emplace_back(single, verify);
  } else if (fs::exists(index)) {
    open_shards(index, verify);
  } else {
    fail(folder.string(), ": has neither ", single.filename().string(), " nor ",
         index.filename().string());
  }
  add_unlisted();
}

void SafetensorsFolder::open_shards(const fs::path& index, Verify verify) {
  const auto weight_map = read_weight_map(index);
  std::map<std::string, std::size_t> shards;  // to the place in files_
  for (const auto& shard : shards_of(weight_map, index)) {
    shards.emplace(shard, files_.size());
    files_.emplace_back(folder_ / shard, verify);
  }
  for (const auto& [tensor, shard] : weight_map) {
    const auto& file = files_[shards.at(shard)];
    const auto* view = file.find(tensor);
    if (view == nullptr) {
      fail(file.path().string(), ": has no tensor ", quote(tensor), ", although ",
           index.filename().string(), " places it there");
    }
    tensors_.emplace(tensor, Entry{view, &file});
  }
}

void SafetensorsFolder::add_unlisted() {
  std::set<std::string_view> listed;
  for (const auto& [name, entry] : tensors_) listed.insert(name);
  for (const auto& file : files_) {
    for (const auto& tensor : file.tensors()) {
      if (listed.contains(tensor.name)) continue;
      const auto [place, added] = tensors_.emplace(tensor.name, Entry{&tensor, &file});
      if (added) continue;
      fail(file.path().string(), ": tensor ", quote(tensor.name), " lies in ",
           place->second.file->path().filename().string(), " too, and the index lists neither");
    }
  }
}

SafetensorsFolder::Entry SafetensorsFolder::find(std::string_view name) const {
  const auto found = tensors_.find(name);
  return found == tensors_.end() ? Entry{} : found->second;
}

SafetensorsFolder::Entry SafetensorsFolder::at(std::string_view name) const {
  if (const auto entry = find(name); entry.tensor != nullptr) return entry;
  fail(folder_.string(), ": has no tensor ", quote(name));
}

}  // namespace hone
