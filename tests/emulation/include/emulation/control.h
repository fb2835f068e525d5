// What tests set and ask of the emulated device: its size and generation, faults, what is alive, why a kernel failed.
#pragma once

#include <cstddef>
#include <string>

#include "emulation/errors.h"

namespace n2s::emulation {

/// 8.0 at first. Also limits shared memory to what devices of that generation give a block, which is 227 KiB at first.
void set_compute_capability(int major, int minor);

/// 1 at first; without a device nearly every call returns cudaErrorNoDevice.
void set_device_count(int count);

/// Bytes that cudaMalloc gives altogether; 8 GiB at first.
void set_memory_limit(std::size_t bytes);

/// Makes the n-th call from now on (1: the next) return `error` and do nothing, except that calls that free or destroy
/// still do so. 0 turns it off. Asking for the last error or for an error's text is no call.
void fail_call(long n, cudaError_t error);

/// Calls since the program began.
long calls();

/// Allocations on the device and pinned ones, streams, events, graphs and executable graphs that are alive.
std::size_t live_objects();

/// Of device memory, now and at most since the last reset_peak().
std::size_t bytes_allocated();
std::size_t peak_bytes();
void reset_peak();

/// Why the last kernel failed; empty when none has. After a failure all calls return cudaErrorLaunchFailure, as on a
/// device,
std::string last_failure();
/// until this.
void forget_failure();

}  // namespace n2s::emulation
