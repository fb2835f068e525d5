// Gathers the planes of a sample, corrupted where asked for, through one window.
#include "engine/training/sample_writer.h"

#include "data/plane_selection.h"

namespace n2s {
namespace {

std::span<const float> stored_plane(const Stack& stack, int plane) {
  const std::size_t pixels = static_cast<std::size_t>(stack.height) * static_cast<std::size_t>(stack.width);
  return std::span(stack.voxels).subspan(static_cast<std::size_t>(plane) * pixels, pixels);
}

}  // namespace

SampleWriter::SampleWriter(const std::vector<TrainingStack>& stacks, const BatchSettings& settings)
    : stacks_(&stacks), settings_(settings), target_of_(method_of(settings).target) {
  if (!settings.noise) return;
  for (const TrainingStack& stack : stacks) {
    const int height = stack.source.height;
    const int width = stack.source.width;
    noise_.try_emplace({height, width}, *settings.noise, height, width);
  }
}

void SampleWriter::write(const Sample& sample, FloatTensor input, FloatTensor target) const {
  const Stack& source = stack_of(sample).source;
  GatherPlane gather{nullptr, source.height, source.width, sample.augmentation, sample.draw};
  std::vector<float> storage;
  int channel = 0;
  for (const int plane : neighbour_planes(source.planes, sample.target.plane, settings_.planes, settings_.gap)) {
    gather.plane = input_plane(sample, plane, storage).data();
    gather_plane(gather, input, sample.position, channel++);
  }
  gather.plane = target_plane(sample, storage).data();
  gather_plane(gather, target, sample.position, 0);
}

std::span<const float> SampleWriter::input_plane(const Sample& sample, int plane, std::vector<float>& storage) const {
  return noisy_plane(sample, Purpose::noise_input, plane, storage);
}

std::span<const float> SampleWriter::target_plane(const Sample& sample, std::vector<float>& storage) const {
  const TrainingStack& stack = stack_of(sample);
  if (stack.target) return stored_plane(*stack.target, sample.target.plane);
  if (target_of_ == TargetOf::clean_source) return stored_plane(stack.source, sample.target.plane);
  const Purpose copy = target_of_ == TargetOf::second_copy ? Purpose::noise_target : Purpose::noise_input;
  return noisy_plane(sample, copy, sample.target.plane, storage);
}

/// Noise is in the file's units, stacks are normalised: there and back, without clipping what the noise adds.
std::span<const float> SampleWriter::noisy_plane(const Sample& sample, Purpose copy, int plane,
                                                 std::vector<float>& storage) const {
  const Stack& source = stack_of(sample).source;
  const std::span<const float> clean = stored_plane(source, plane);
  if (!settings_.noise) return clean;
  std::vector<float> raw(clean.begin(), clean.end());
  undo_normalisation(settings_.normalisation, raw);
  storage.resize(clean.size());
  noise_.at({source.height, source.width}).corrupt(raw, sample.noise_key(copy, plane), storage);
  apply_normalisation(settings_.normalisation, storage, false);
  return storage;
}

}  // namespace n2s
