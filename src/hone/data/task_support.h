// What the kinds of task files share.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hone/base/json_io.h>
#include <hone/text/jinja.h>

namespace hone {

/// The variables of a render.
using TaskInputs = std::vector<std::pair<std::string, jinja::Value>>;

/// `text` without white space (in Python's sense) at its ends.
std::string strip_text(const std::string& text);

/// Appends all texts in `value`, those in lists and objects too.
void append_texts(const Json& value, std::vector<std::string>& texts);

/// The same, each text followed by a line end.
void append_texts(const Json& value, std::string& text);

/// The places of the templates called `use` among `names`; of all where `use` is empty. Throws
/// `Error` starting with `file` for a name that is not there and for one in `names` twice.
std::vector<std::size_t> select_templates(const std::vector<std::string>& names,
                                          const std::vector<std::string>& use,
                                          const std::string& file);

/// Renders `source` for the record at `place`. Throws `Error` starting with `place`.
std::string render_text(const jinja::Template& source,
                        const TaskInputs& inputs,
                        const std::string& place,
                        std::uint64_t seed);

}  // namespace hone
