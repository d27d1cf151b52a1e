// Memory that this process takes, as the kernel counts it.
#pragma once

#include <cstdint>

namespace hone {

/// Bytes of the process that are in memory now; 0 where the system does not tell (/proc).
std::int64_t resident_bytes();

/// The most that it had since the start, or since `forget_peak`.
std::int64_t peak_resident_bytes();

/// Begins to count the peak anew; does nothing where the system does not allow it.
void forget_peak();

}  // namespace hone
