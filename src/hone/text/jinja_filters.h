// The filters and tests of Jinja that chat templates use.
#pragma once

#include <string_view>

#include <hone/text/jinja_environment.h>
#include <hone/text/jinja_methods.h>
#include <hone/text/jinja_runtime.h>
#include <hone/text/jinja_value.h>

namespace hone::jinja {

bool has_filter(std::string_view name, Environment environment);
bool has_test(std::string_view name);

/// value | name(arguments). Throws `Error` where Jinja raises, and for an unknown filter.
Value apply_filter(Runtime& runtime,
                   std::string_view name,
                   const Value& value,
                   const CallArguments& arguments);

/// value is name(arguments).
bool apply_test(Runtime& runtime,
                std::string_view name,
                const Value& value,
                const CallArguments& arguments);

using Filter = Value (*)(Runtime&, const Value&, const CallArguments&);

/// The filters on lists, or nullptr.
Filter sequence_filter(std::string_view name);
/// The filters that give numbers, or nullptr.
Filter number_filter(std::string_view name);
/// The filters on texts and the rest, or nullptr.
Filter text_filter(std::string_view name);

}  // namespace hone::jinja
