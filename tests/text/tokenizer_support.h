// What the tokenizer tests share: fixtures, folders that vanish, tokenizers made from JSON in
// memory.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <hone/base/files.h>
#include <hone/base/json_io.h>
#include <hone/text/tokenizer.h>
#include <hone/text/tokenizer_json.h>
#include <hone/text/tokenizer_model.h>

#include "base/error_of.h"
#include "base/temporary_folder.h"
#include "shared_data.h"

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

/// A small byte-level tokenizer with ChatML's tokens; `<|im_end|>` ends a text. `bos_token` and its
/// own `chat_template`: empty: none.
inline Tokenizer chatml_tokenizer(const std::string& bos_token = {},
                                  const std::string& chat_template = {}) {
  const TemporaryFolder folder;
  Json config = {{"eos_token", "<|im_end|>"}};
  if (!bos_token.empty()) config["bos_token"] = bos_token;
  folder.file("tokenizer.json", read_file(fixture_path("text/byte_level.json")));
  folder.file("tokenizer_config.json", to_json_line(config));
  if (!chat_template.empty()) folder.file("chat_template.jinja", chat_template);
  return load_tokenizer(folder.path());
}

#if defined(__SANITIZE_ADDRESS__)
constexpr double kSlowdown = 20;  ///< of sanitizers
#else
constexpr double kSlowdown = 1;
#endif

}  // namespace hone::testing
