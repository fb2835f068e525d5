// Maps each operation of a graph to its CPU kernel.
#pragma once

#include "engine/runtime/backend.h"
#include "kernels/base/thread_pool.h"
#include "kernels/conv3x3/cpu/cpu.h"

namespace n2s {

OperationMemory cpu_operation_memory(const Graph& graph, const Operation& operation, const Extents& extents,
                                     CpuConvVariant variant, int threads);

/// Brings the convolutions' weights into their kernels' layouts; packed[i] belongs to graph.operations[i].
void pack_on_cpu(const Graph& graph, const Extents& extents, const Binding& binding,
                 std::span<const std::span<std::byte>> packed, CpuConvVariant variant, ThreadPool& pool);

void run_on_cpu(const Operation& operation, const Binding& binding, CpuConvVariant variant, ThreadPool& pool);

}  // namespace n2s
