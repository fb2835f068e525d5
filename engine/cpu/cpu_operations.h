// Maps each operation of a graph to its CPU kernel.
#pragma once

#include "engine/runtime/backend.h"
#include "kernels/base/thread_pool.h"
#include "kernels/conv3x3/cpu/cpu.h"

namespace n2s {

OperationMemory cpu_operation_memory(const Graph& graph, const Operation& operation, const Extents& extents,
                                     Conv3x3Variant variant, int threads);

/// Brings a convolution's weights into its kernel's layout; does nothing for other operations.
void pack_on_cpu(const Graph& graph, const Operation& operation, const Extents& extents, const Binding& binding,
                 Conv3x3Variant variant, ThreadPool& pool);

void run_on_cpu(const Operation& operation, const Binding& binding, Conv3x3Variant variant, ThreadPool& pool);

}  // namespace n2s
