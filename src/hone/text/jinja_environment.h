// What a template is written for.
#pragma once

#include <cstdint>

namespace hone::jinja {

/// Which names a template finds besides its input, and how white space around its tags counts.
enum class Environment : std::uint8_t {
  /// transformers' for chat templates: trim_blocks and lstrip_blocks on; raise_exception and
  /// strftime_now.
  kChat,
  /// Jinja's own defaults, and what PromptSource adds for the templates of tasks: the function
  /// `zip`, the filters `choice` (one item, drawn) and `most_frequent`.
  kTask,
};

}  // namespace hone::jinja
