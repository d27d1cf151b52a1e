// Files that are packed with gzip or zstd, as a whole in memory.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace hone {

/// Whether `bytes` begin as a gzip or a zstd file does.
bool is_compressed(std::string_view bytes);

/// What `bytes` unpack to: every member of a gzip file, every frame of a zstd file, one after the
/// other. Throws `Error` starting with `name` where they are damaged or end early.
std::string decompressed(std::string_view bytes, const std::filesystem::path& name);

}  // namespace hone
