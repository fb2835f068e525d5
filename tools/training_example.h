// What a trained network makes of some planes that it has learned from: kept in the run's folder, for pages that show
// the run.
#pragma once

#include <string>
#include <vector>

#include "engine/devices/device.h"
#include "engine/training/training_stack.h"
#include "kernels/base/thread_pool.h"
#include "tools/training_request.h"

namespace n2s {

/// Of the first stack, in its units: input and output of the model that the request's folder holds, and what the
/// network was to predict where that is another image. Writes shown-input.tif, shown-restored.tif and shown-target.tif
/// there. Throws Error.
struct TrainingExample {
  std::string stack;   // its name
  int planes = 0;      // that it has; shown are example_positions(planes)
  std::string target;  // "clean", "second copy"; empty: there is none
};
TrainingExample write_training_example(const std::vector<TrainingStack>& stacks, const TrainingRequest& request,
                                       const Device& device, ThreadPool& pool);

}  // namespace n2s
