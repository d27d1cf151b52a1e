// Floats to blocks of GGUF.
#pragma once

#include <span>
#include <string>

#include <hone/format/quants.h>

namespace hone {

/// Whether `quantize` makes blocks of `type`.
bool can_quantize(GgmlType type);

/// The blocks of `values`, a whole number of them, bit for bit as the reference implementation (for
/// numbers that are finite and fit half precision):
///
/// - Q8_0: for 32 numbers an fp16 scale d = max|x| / 127 and 32 signed bytes round(x / d).
/// - Q4_0: an fp16 scale d = m / -8, m the number of the largest magnitude with its sign, and 32
///   numbers of 4 bits, trunc(x / d + 8.5) but at most 15; those of the first half are the low
///   bits.
///
/// Throws `Error` for another type.
std::string quantize(GgmlType type, std::span<const float> values);

}  // namespace hone
