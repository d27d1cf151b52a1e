// What a template's names mean where they stand, decided before it runs.
#pragma once

#include <string>

#include <hone/text/jinja_ast.h>

namespace hone::jinja {

/// Fills `hidden` of every block and refuses unknown filters and tests, as Jinja's compiler does.
///
/// Jinja decides once per scope (template, loop body, macro ...) where a name comes from. A name
/// that its scope sets outside of any `if` before it reads it, and that no outer scope mentions,
/// never reaches the render's input: read too early, in a loop or macro above its `set`, it is
/// undefined. Throws `Error` starting with `place:line` for an unknown filter or test (inside an
/// `if` that waits until it is reached) and for setting `loop` inside a loop.
void resolve_names(Program& program, const std::string& place);

}  // namespace hone::jinja
