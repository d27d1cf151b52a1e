#include <hone/base/error.h>
#include <hone/text/jinja_runtime.h>
#include <hone/text/jinja_value.h>

namespace hone::jinja {

void Runtime::step(std::int64_t count) {
  if (count > limits_.steps - steps_)
    fail("the template takes more than ", limits_.steps, " steps");
  steps_ += count;
}

void Runtime::make(std::size_t bytes) {
  read(bytes);
  if (bytes > limits_.memory_bytes - made_) {
    fail("the template makes more than ", limits_.memory_bytes >> 20, " MiB of text");
  }
  made_ += bytes;
}

void Runtime::make_items(std::int64_t count) {
  if (count <= 0) return;
  step(count);
  make(static_cast<std::size_t>(count) * sizeof(Value));
}

void Runtime::check_output(std::size_t bytes) const {
  if (bytes > limits_.output_bytes)
    fail("the rendered text is longer than ", limits_.output_bytes >> 20, " MiB");
}

}  // namespace hone::jinja
