#include <utf8proc.h>

#include <hone/base/error.h>
#include <hone/text/jinja.h>
#include <hone/text/jinja_inputs.h>
#include <hone/text/jinja_interpreter.h>
#include <hone/text/jinja_parser.h>

namespace hone::jinja {
namespace {

void check_utf8(std::string_view text, const std::string& place) {
  std::size_t at = 0;
  while (at < text.size()) {
    utf8proc_int32_t code = 0;
    const auto length =
        utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data() + at),
                         static_cast<utf8proc_ssize_t>(text.size() - at), &code);
    if (length <= 0) fail(place, ": not UTF-8 at byte ", at + 1);
    at += static_cast<std::size_t>(length);
  }
}

}  // namespace

Template::Template(std::string_view source, std::string place, Environment environment)
    : place_(std::move(place)) {
  check_utf8(source, place_);
  program_ = std::make_shared<const Program>(parse(source, place_, environment));
}

Template::Result Template::render(const std::vector<std::pair<std::string, Value>>& inputs,
                                  std::int64_t now,
                                  const Limits& limits,
                                  std::uint64_t seed) const {
  Runtime runtime(now, limits, program_->environment, seed);
  Interpreter interpreter(*program_, runtime);
  try {
    Result result;
    result.text = interpreter.run(inputs);
    result.writes = interpreter.writes();
    return result;
  } catch (const Error& error) {
    fail(place_, ":", interpreter.line(), ": ", error.what());
  }
}

bool Template::has_generation() const {
  return program_->has_generation;
}

std::vector<std::string> Template::inputs() const {
  return input_names(*program_);
}

}  // namespace hone::jinja
