// See test_stacks.h.
#include "tools/experiments/test_stacks.h"

#include "engine/inference/post_processing.h"
#include "tools/measuring.h"

namespace n2s {

TestStack load_test_stack(const StoredDataSet& data, const System& system, int number, ThreadPool& pool) {
  const StoredDataSet::Entry entry = data.of(Part::test).at(static_cast<std::size_t>(number));
  TestStack test{entry.name, number, load_copy(data, entry, std::string(system.copy)), std::nullopt};
  if (data.kind == "mri") {
    test.truth = test.noisy;
    test.noisy = corrupt_stack(kMriNoise, *test.truth, kTestSeed, Purpose::noise_input, number, pool);
  } else if (system.copy == "low" && entry.copies.contains("high")) {
    test.truth = load_copy(data, entry, "high");
  }
  return test;
}

Stack combined_copies(const StoredDataSet& data, int number, const TestStack& first, ThreadPool& pool) {
  const StoredDataSet::Entry entry = data.of(Part::test).at(static_cast<std::size_t>(number));
  const Stack second =
      corrupt_stack(kMriNoise, load_copy(data, entry, "clean"), kTestSeed, Purpose::noise_target, number, pool);
  Stack combined = first.noisy;
  restore_measured(kMriNoise, second, kTestSeed, Purpose::noise_target, number, combined, pool);
  return combined;
}

Stack with_measured_frequencies(const TestStack& test, const Stack& restored, const Device& device, ThreadPool& pool) {
  Stack post = restored;
  restore_measured(kMriNoise, test.noisy, kTestSeed, Purpose::noise_input, test.number, post, *device.inference, pool);
  return post;
}

std::vector<PlaneMetrics> measure(const std::string& experiment, const Stack& result, const Stack& truth,
                                  const Device& device, const CommonOptions& common, std::string& how) {
  MetricOptions options;
  if (experiment == "mri") {
    options.clamp = true;
    how = describe(options);
    return stack_metrics(result, truth, options, device, common).per_plane;
  }
  options.affine = true;
  NormalisationOptions percentiles;
  percentiles.kind = "percentile";
  percentiles.low_percentile = 0.1;
  percentiles.high_percentile = 99.9;
  Stack scaled = truth;
  apply_normalisation(fit_normalisation({&truth}, percentiles, device, common), scaled.voxels);
  how = describe(options) + "; the truth's percentiles 0.1 and 99.9 are 0 and 1";
  return stack_metrics(result, scaled, options, device, common).per_plane;
}

}  // namespace n2s
