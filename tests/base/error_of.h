// The message of the Error that something throws.
#pragma once

#include <string>

#include <hone/base/error.h>

namespace hone::testing {

/// What `action` says when it throws `hone::Error`; "no error" where it does not. Other exceptions
/// pass.
template <typename Action>
std::string error_of(const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace hone::testing
