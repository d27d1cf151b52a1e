// The JSON header of a safetensors file. Internal to the reader and the writer.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <hone/format/dtype.h>

namespace hone {

/// Largest header that the format allows, in bytes.
inline constexpr std::uint64_t kMaxSafetensorsHeader = 100'000'000;

/// What the header says about one tensor; `begin` and `end` count from the start of the data.
struct SafetensorsEntry {
  std::string name;
  DType dtype = DType::F32;
  std::vector<std::int64_t> shape;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

struct SafetensorsHeader {
  std::vector<SafetensorsEntry> entries;
  std::map<std::string, std::string> metadata;
};

/// Reads the header without building a JSON tree, so that memory stays in proportion to the tensors
/// described.
///
/// Checks syntax, duplicate names and keys, types and dtypes, but no size. Throws `Error` starting
/// with `place`.
SafetensorsHeader parse_safetensors_header(std::string_view json, const std::string& place);

}  // namespace hone
