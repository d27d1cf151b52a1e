// The index of a model whose weights lie in several files.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace hone {

/// Tensor name to the file that holds it.
using WeightMap = std::map<std::string, std::string>;

/// Reads `model.safetensors.index.json` or its like. Throws `Error` where it is malformed or a path
/// in it leaves the folder.
WeightMap read_weight_map(const std::filesystem::path& index);

/// The files that `map` names, each once. Throws `Error` naming one that is not beside `index`.
std::vector<std::string> shards_of(const WeightMap& map, const std::filesystem::path& index);

}  // namespace hone
