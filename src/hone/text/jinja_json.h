// JSON to template values, and the filter `tojson` back.
#pragma once

#include <string>

#include <hone/base/json_io.h>
#include <hone/text/jinja_methods.h>
#include <hone/text/jinja_runtime.h>
#include <hone/text/jinja_value.h>

namespace hone::jinja {

/// The value of `json`, everything in it tagged `tag`. Throws `Error` for nesting that is too deep.
Value from_json(const Json& json, Tag tag);

/// `value | tojson(...)` as transformers defines it: json.dumps with ensure_ascii off, and the
/// arguments ensure_ascii, indent, separators and sort_keys. Texts and numbers keep their origin;
/// brackets and commas take their container's.
Text to_json(Runtime& runtime, const Value& value, const CallArguments& arguments);

}  // namespace hone::jinja
