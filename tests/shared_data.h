// Where the team's shared data lies, if it lies beside this checkout. Tests check more with it and
// pass without it.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace hone::testing {

/// `../shared/<relative>` beside the checkout, or nothing where it is not there.
inline std::optional<std::filesystem::path> shared_path(const std::string& relative) {
  const auto path = std::filesystem::path(HONE_SOURCE_DIR) / ".." / "shared" / relative;
  if (!std::filesystem::exists(path)) return std::nullopt;
  return path;
}

/// `tests/fixtures/<relative>` of this checkout.
inline std::filesystem::path fixture_path(const std::string& relative) {
  return std::filesystem::path(HONE_SOURCE_DIR) / "tests" / "fixtures" / relative;
}

}  // namespace hone::testing
