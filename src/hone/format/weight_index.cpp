#include <set>

#include <nlohmann/json.hpp>

#include <hone/base/error.h>
#include <hone/base/json_io.h>
#include <hone/base/utf8.h>
#include <hone/format/weight_index.h>

namespace hone {
namespace {

namespace fs = std::filesystem;

bool stays_inside(const std::string& shard) {
  const fs::path path(shard);
  if (shard.empty() || path.is_absolute() || shard.find('\0') != std::string::npos) return false;
  const auto normal = path.lexically_normal();
  return normal != "." && *normal.begin() != "..";
}

}  // namespace

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

std::vector<std::string> shards_of(const WeightMap& map, const fs::path& index) {
  std::set<std::string> shards;
  for (const auto& [tensor, shard] : map) shards.insert(shard);
  for (const auto& shard : shards) {
    const auto path = index.parent_path() / shard;
    if (!fs::exists(path))
      fail(path.string(), ": missing, although ", index.filename().string(),
           " lists it; download the model again");
  }
  return {shards.begin(), shards.end()};
}

}  // namespace hone
