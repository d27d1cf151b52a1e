#include <set>
#include <utility>

#include <nlohmann/json.hpp>

#include <hone/base/error.h>
#include <hone/base/json_io.h>
#include <hone/base/utf8.h>
#include <hone/format/safetensors_folder.h>

namespace hone {
namespace {

namespace fs = std::filesystem;

/// Tensor name to shard, as the index lists them.
using WeightMap = std::map<std::string, std::string>;

bool stays_inside(const std::string& shard) {
  const fs::path path(shard);
  if (shard.empty() || path.is_absolute() || shard.find('\0') != std::string::npos) return false;
  const auto normal = path.lexically_normal();
  return normal != "." && *normal.begin() != "..";
}

WeightMap read_weight_map(const fs::path& index) {
  const auto json = read_json(index);
  const auto place = index.string();
  if (!json.is_object()) fail(place, ": must be an object, got ", json.type_name());
  const auto found = json.find("weight_map");
  if (found == json.end()) fail(place, ": has no weight_map");
  if (!found->is_object()) fail(place, ": weight_map must be an object, got ", found->type_name());
  WeightMap map;
  for (const auto& [tensor, shard] : found->items()) {
    if (!shard.is_string()) {
      fail(place, ": tensor ", quote(tensor), ": must name a file, got ", shard.type_name());
    }
    const auto& name = shard.get_ref<const std::string&>();
    if (!stays_inside(name)) {
      fail(place, ": tensor ", quote(tensor), ": file ", quote(name), " is not inside the folder");
    }
    map.emplace(tensor, name);
  }
  return map;
}

}  // namespace

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
  for (const auto& [tensor, shard] : weight_map) shards.emplace(shard, 0);
  for (const auto& [shard, place] : shards) {
    if (!fs::exists(folder_ / shard)) {
      fail((folder_ / shard).string(), ": missing, although ", index.filename().string(),
           " lists it; download the model again");
    }
  }
  for (auto& [shard, place] : shards) {
    place = files_.size();
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
