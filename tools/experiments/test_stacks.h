// What the systems of an experiment are measured with: noisy stacks and their truth.
#pragma once

#include <optional>
#include <string>

#include "data/metrics.h"
#include "data/stack.h"
#include "engine/devices/device.h"
#include "engine/training/plane_noise.h"
#include "kernels/base/thread_pool.h"
#include "tools/common.h"
#include "tools/experiments/stored_data_set.h"
#include "tools/experiments/system_result.h"
#include "tools/experiments/systems.h"

namespace n2s {

/// The paper's noise of an MRI experiment: 10 % of the frequencies are kept.
inline constexpr KspaceNoise kMriNoise{0.1};
/// Test stacks have the same noise, whatever the seed of a training.
inline constexpr std::uint64_t kTestSeed = 1;

struct TestStack {
  std::string name;
  int number = 0;  // which of the test stacks
  Stack noisy;
  std::optional<Stack> truth;  // none: nothing can be measured
};

/// The `number`-th test stack as `system` gets it. Undersampled where the experiment is "mri". Throws Error.
TestStack load_test_stack(const StoredDataSet& data, const System& system, int number, ThreadPool& pool);

/// Two undersampled copies of a stack together: the frequencies that the second one has measured replace those of the
/// first.
Stack combined_copies(const StoredDataSet& data, int number, const TestStack& first, ThreadPool& pool);

/// k-space data consistency of a restored test stack.
Stack with_measured_frequencies(const TestStack& test, const Stack& restored, const Device& device, ThreadPool& pool);

/// As the paper measures: MRI clamped to [-0.5, 0.5]; of microscopy the truth scaled by its percentiles 0.1 and 99.9,
/// the result mapped to it with the least squared error. `how` describes it.
std::vector<PlaneMetrics> measure(const std::string& experiment, const Stack& result, const Stack& truth,
                                  const Device& device, const CommonOptions& common, std::string& how);

}  // namespace n2s
