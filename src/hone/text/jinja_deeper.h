// Private to the interpreter's sources: the bound on its recursion.
#pragma once

#include <hone/base/error.h>
#include <hone/text/jinja_interpreter.h>

namespace hone::jinja {

/// One more statement, expression or call inside others, while it lives. Deep enough for Python's
/// own bound on calls, shallow enough for a thread's stack of 8 MiB in a build with sanitizers.
class Interpreter::Deeper {
 public:
  explicit Deeper(Interpreter& interpreter) : depth_(interpreter.depth_) {
    if (depth_ >= kMaxDepth) fail("the template nests or recurses too deeply");
    ++depth_;
  }
  ~Deeper() { --depth_; }
  Deeper(const Deeper&) = delete;
  Deeper& operator=(const Deeper&) = delete;

 private:
  static constexpr int kMaxDepth = 1500;
  int& depth_;
};

}  // namespace hone::jinja
