// Which variables a template takes from its input.
#pragma once

#include <string>
#include <vector>

#include <hone/text/jinja_ast.h>

namespace hone::jinja {

/// The names that `program` reads and neither sets anywhere nor has from its environment, each
/// once, in the order of their first mention. (A name that it both reads from its input and sets is
/// not among them.)
std::vector<std::string> input_names(const Program& program);

}  // namespace hone::jinja
