// What the tokenizer tests share: fixtures, folders that vanish, tokenizers made from JSON in
// memory.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <shared_data.h>

#include <hone/base/error.h>
#include <hone/base/json_io.h>
#include <hone/text/tokenizer.h>
#include <hone/text/tokenizer_json.h>
#include <hone/text/tokenizer_model.h>

namespace hone::testing {

using Ids = std::vector<std::int64_t>;

inline Json text_fixture(const std::string& name) {
  return read_json(fixture_path("text/" + name));
}

/// The texts of ids.json.
inline std::vector<std::string> fixture_texts(const std::string& name) {
  const auto fixture = text_fixture("ids.json");
  return fixture[name].get<std::vector<std::string>>();
}

inline Tokenizer tokenizer_from(const Json& file) {
  return Tokenizer(
      std::make_shared<const Tokenizer::Model>(read_tokenizer_json(file, "tokenizer.json")));
}

inline Tokenizer fixture_tokenizer(const std::string& name) {
  return load_tokenizer(fixture_path("text/" + name));
}

/// A new folder, removed with all that is in it at the end.
class ScratchFolder {
 public:
  ScratchFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "hone_text_XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make a folder");
    path_ = name;
  }
  ~ScratchFolder() { std::filesystem::remove_all(path_); }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// The message of the `Error` that `action` throws, which must be one line; empty where it throws
/// none.
template <typename Action>
std::string error_of(const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    const std::string text = error.what();
    EXPECT_EQ(text.find('\n'), std::string::npos) << text;
    return text;
  }
  return {};
}

#if defined(__SANITIZE_ADDRESS__)
constexpr double kSlowdown = 20;  ///< of sanitizers
#else
constexpr double kSlowdown = 1;
#endif

}  // namespace hone::testing
