// What templates of tasks may use besides the language, as PromptSource gives it to them.
#pragma once

#include <string_view>

#include <hone/text/jinja_filters.h>
#include <hone/text/jinja_methods.h>
#include <hone/text/jinja_runtime.h>
#include <hone/text/jinja_value.h>

namespace hone::jinja {

/// The filters `choice` and `most_frequent`, or nullptr.
Filter task_filter(std::string_view name);

/// Python's zip: a tuple of the first items, then of the second ones, to the end of the shortest.
Value zip(Runtime& runtime, const CallArguments& arguments);

}  // namespace hone::jinja
