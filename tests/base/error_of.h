// The message of the Error that something throws.
#pragma once

#include <string>

#include <gtest/gtest.h>

#include <hone/base/error.h>

namespace hone::testing {

/// What `action` says when it throws `hone::Error`, which must be one line; empty where it throws
/// none. Other exceptions pass.
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

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace hone::testing
