// The committed corpus of the fuzzers, and the shared cases where they lie beside the checkout.
#pragma once

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "shared_data.h"

namespace hone::testing {

/// A file of `tests/fuzz/corpus/<target>/`.
inline std::filesystem::path corpus_path(const std::string& target, const std::string& name) {
  return std::filesystem::path(HONE_SOURCE_DIR) / "tests" / "fuzz" / "corpus" / target / name;
}

/// Every file of a target, sorted.
inline std::vector<std::filesystem::path> corpus_files(const std::string& target) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(corpus_path(target, ""))) {
    files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

/// The file of that name in the corpus, and the shared case of the same name where it is there.
inline std::vector<std::filesystem::path> case_files(const std::string& target,
                                                     const std::string& name) {
  std::vector<std::filesystem::path> files = {corpus_path(target, name)};
  if (const auto shared = shared_path("cases/files/" + name)) files.push_back(*shared);
  return files;
}

/// Whether the name says that the file must load.
inline bool must_load(const std::filesystem::path& file) {
  const auto stem = file.stem().string();
  return stem.starts_with("ok_") || stem.ends_with("_ok");
}

}  // namespace hone::testing
