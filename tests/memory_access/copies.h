// What the running thread does with asynchronous copies into shared memory, told by its watched kernel.
#pragma once

namespace n2s::emulation {

/// 16 bytes are on their way to this place.
void copy_begins(const void* to);

/// The copies begun since the last time are a group.
void copies_committed();

/// All groups but the last `pending` have arrived.
void copies_awaited(unsigned pending);

}  // namespace n2s::emulation
