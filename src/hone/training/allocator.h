// The C library's allocator, told that a training run wants its memory again.
#pragma once

namespace hone {

/// Keeps freed blocks in the process instead of giving them back to the system, which would fault
/// every page in again at each step. Called once by a program that trains; costs resident memory,
/// never more than the peak.
void keep_freed_memory();

}  // namespace hone
