// Restores a whole stack with a trained network: any plane size, tiled when a plane does not fit into memory.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "data/normalisation.h"
#include "data/stack.h"
#include "engine/inference/inference_device.h"
#include "engine/runtime/executor.h"

namespace n2s {

struct InferenceOptions {
  std::size_t memory_limit = 0;  // bytes for activations, and as many for the stack; 0: half of what is free
  int tile = 0;                  // side in pixels; 0: a whole plane if it fits, else the largest tile that does
  int gap = 0;                   // planes skipped on each side of the target
  PlaneRange targets;            // planes to restore, the others are left 0; count 0: all
  Normalisation normalisation;   // of what the network was trained on
  std::function<void(long done, long total)> progress;  // in planes
};

/// The network to restore with.
struct InferenceNetwork {
  const Graph* graph = nullptr;  // forward, fused or not
  int receptive_radius = 0;      // pixels
};

/// Size of a stack: planes, and their pixels.
struct StackExtents {
  int planes = 0, height = 0, width = 0;
};

/// How a stack will be cut into tiles.
struct InferencePlan {
  Extents extents;  // of one run of the network: tiles or planes in a batch, and their size
  std::size_t arena_bytes = 0;
  bool tiled = false;
};
InferencePlan plan_inference(const InferenceDevice& device, const InferenceNetwork& network, const StackExtents& stack,
                             const InferenceOptions& options);

/// Every plane predicted from its neighbours (and itself, for an odd number of input planes), in the stack's units.
/// Throws Error when the stack is too short.
Stack restore_stack(InferenceDevice& device, const InferenceNetwork& network, const ParameterMemory& parameters,
                    const Stack& noisy, const InferenceOptions& options);

}  // namespace n2s
