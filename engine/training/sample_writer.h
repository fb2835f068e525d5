// Writes one training sample, a target plane and the planes that the network sees with it, into a batch: with simulated
// noise where it is asked for, and cut to the sample's crop. Training batches and the validation set are made of these.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "engine/training/training_stack.h"
#include "kernels/base/philox.h"
#include "kernels/base/tensor.h"

namespace n2s {

struct Sample {
  PlaneOfStack target;
  int position = 0;  // of the image in the tensors
  Augmentation augmentation;
  SampleDraw draw;
  /// The key of the noise on a plane of the sample's stack; `copy` is noise_input or noise_target.
  std::function<RandomKey(Purpose copy, int plane)> noise_key;
  RandomKey blind_key;  // of the pixels that are hidden
};

class SampleWriter {
 public:
  /// The stacks must live as long as the object. Throws Error where the settings name no method.
  SampleWriter(const std::vector<TrainingStack>& stacks, const BatchSettings& settings);

  /// input (N, H, W, planes), target (N, H, W, 1). Calls may run at the same time, for different positions.
  void write(const Sample& sample, FloatTensor input, FloatTensor target) const;

  /// Says that the sample will be written soon: what is on a disk may be fetched meanwhile.
  void expect(const Sample& sample) const;

 private:
  /// A plane, or the part of it that the sample shows.
  struct SeenPlane {
    std::span<const float> pixels;
    std::optional<PlaneWindow> part;  // none: all of it
  };
  SeenPlane input_plane(const Sample& sample, int plane, std::vector<float>& storage) const;
  SeenPlane seen_target(const Sample& sample, std::vector<float>& storage) const;
  SeenPlane clean_plane(const Sample& sample, const StackPlanes& planes, int plane, std::vector<float>& storage) const;
  SeenPlane noisy_plane(const Sample& sample, Purpose copy, int plane, std::vector<float>& storage) const;
  const TrainingStack& stack_of(const Sample& sample) const {
    return (*stacks_)[static_cast<std::size_t>(sample.target.stack)];
  }

  const std::vector<TrainingStack>* stacks_;
  BatchSettings settings_;
  const TrainingMethod* method_;
  std::map<std::pair<int, int>, PlaneNoise> noise_;  // by height and width
};

}  // namespace n2s
