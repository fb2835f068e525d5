// Asynchronous copies into shared memory, as reported by instrumented kernels for the running thread.
#pragma once

namespace n2s::emulation {

/// A copy of 16 bytes to this address has begun.
void copy_begins(const void* to);

/// The copies since the last call form a group.
void copies_committed();

/// The thread has waited until all groups but the last `pending` have arrived.
void copies_awaited(unsigned pending);

}  // namespace n2s::emulation
