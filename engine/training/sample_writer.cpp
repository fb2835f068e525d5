// Gathers the planes of a sample, corrupted where asked for, through one window.
#include "engine/training/sample_writer.h"

#include "data/plane_selection.h"

namespace n2s {

SampleWriter::SampleWriter(const std::vector<TrainingStack>& stacks, const BatchSettings& settings)
    : stacks_(&stacks), settings_(settings), method_(&method_of(settings)) {
  if (!settings.noise) return;
  for (const TrainingStack& stack : stacks) {
    const int height = stack.source.height;
    const int width = stack.source.width;
    noise_.try_emplace({height, width}, *settings.noise, height, width);
  }
}

void SampleWriter::write(const Sample& sample, FloatTensor input, FloatTensor target) const {
  const StackPlanes& source = stack_of(sample).source;
  const auto gather = [&](const SeenPlane& seen, FloatTensor image, int channel) {
    gather_plane({seen.pixels.data(), source.height, source.width, sample.augmentation, sample.draw, seen.part}, image,
                 sample.position, channel);
  };
  std::vector<float> storage;
  int channel = 0;
  for (const int plane : neighbour_planes(source.planes, sample.target.plane, settings_.planes, settings_.gap))
    gather(input_plane(sample, plane, storage), input, channel++);
  gather(seen_target(sample, storage), target, 0);
  if (settings_.blind_spots)
    hide_pixels(*settings_.blind_spots, sample.blind_key, input, settings_.planes / 2, target, sample.position);
}

void SampleWriter::expect(const Sample& sample) const {
  const TrainingStack& stack = stack_of(sample);
  const StackPlanes& source = stack.source;
  const PlaneWindow shown = settings_.noise
                                ? PlaneWindow{0, 0, source.height, source.width}
                                : shown_part({nullptr, source.height, source.width, sample.augmentation, sample.draw});
  for (const int plane : neighbour_planes(source.planes, sample.target.plane, settings_.planes, settings_.gap))
    source.expect(plane, shown);
  (stack.target ? *stack.target : source).expect(target_plane(*method_, stack, sample.target.plane), shown);
}

SampleWriter::SeenPlane SampleWriter::input_plane(const Sample& sample, int plane, std::vector<float>& storage) const {
  return noisy_plane(sample, Purpose::noise_input, plane, storage);
}

SampleWriter::SeenPlane SampleWriter::seen_target(const Sample& sample, std::vector<float>& storage) const {
  const TrainingStack& stack = stack_of(sample);
  const int plane = target_plane(*method_, stack, sample.target.plane);
  if (stack.target) return clean_plane(sample, *stack.target, plane, storage);
  if (method_->target == TargetOf::clean_source) return clean_plane(sample, stack.source, plane, storage);
  const Purpose copy = method_->target == TargetOf::second_copy ? Purpose::noise_target : Purpose::noise_input;
  return noisy_plane(sample, copy, plane, storage);
}

/// Of planes that are stored, the part that is shown is read alone.
SampleWriter::SeenPlane SampleWriter::clean_plane(const Sample& sample, const StackPlanes& planes, int plane,
                                                  std::vector<float>& storage) const {
  if (planes.in_memory() != nullptr) return {planes.plane(plane, storage), std::nullopt};
  const PlaneWindow part = shown_part({nullptr, planes.height, planes.width, sample.augmentation, sample.draw});
  storage.resize(static_cast<std::size_t>(part.height) * static_cast<std::size_t>(part.width));
  planes.read(plane, part, storage);
  return {storage, part};
}

/// Noise is in the file's units, stacks are normalised: there and back, without clipping what the noise adds.
SampleWriter::SeenPlane SampleWriter::noisy_plane(const Sample& sample, Purpose copy, int plane,
                                                  std::vector<float>& storage) const {
  const StackPlanes& source = stack_of(sample).source;
  if (!settings_.noise) return clean_plane(sample, source, plane, storage);
  const std::span<const float> clean = source.plane(plane, storage);
  std::vector<float> raw(clean.begin(), clean.end());
  undo_normalisation(settings_.normalisation, raw);
  storage.resize(clean.size());
  noise_.at({source.height, source.width}).corrupt(raw, sample.noise_key(copy, plane), storage);
  apply_normalisation(settings_.normalisation, storage, false);
  return {storage, std::nullopt};
}

}  // namespace n2s
