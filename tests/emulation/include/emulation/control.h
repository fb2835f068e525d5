// Test controls of the emulated device: its generation and memory, faults, live objects, and the last kernel failure.
#pragma once

#include <cstddef>
#include <string>

#include "emulation/errors.h"

namespace n2s::emulation {

/// Initially 8.0. Also sets the shared memory that a block of that generation can have (initially 227 KiB).
void set_compute_capability(int major, int minor);

/// As if all kernels were compiled from PTX for this compute capability (70 for compute_70); 0: for the device itself.
void set_compiled_for(int compute_capability);

/// Initially 1; with 0 nearly every call returns cudaErrorNoDevice.
void set_device_count(int count);

/// Bytes of device memory; initially 8 GiB.
void set_memory_limit(std::size_t bytes);

/// Makes the n-th call from now on (1: the next) return `error` and do nothing, except that calls that free or destroy
/// still do so. 0 turns it off. cudaGetLastError and the functions for error texts do not count as calls.
void fail_call(long n, cudaError_t error);

/// Calls since the program began.
long calls();

/// Number of live device and pinned allocations, streams, events, graphs and executable graphs.
std::size_t live_objects();

/// Device memory in use, now and the maximum since the last reset_peak().
std::size_t bytes_allocated();
std::size_t peak_bytes();
void reset_peak();

/// The message of the last kernel failure; empty if there was none. After a failure all calls return
/// cudaErrorLaunchFailure, as on a GPU, until forget_failure().
std::string last_failure();
void forget_failure();

}  // namespace n2s::emulation
