// Copies planes, or their spectra where noise is made in frequency space, while counting the memory they take.
#include "engine/training/cuda/resident_stacks.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "data/plane_selection.h"
#include "kernels/device/check.h"
#include "kernels/fft/cufft.h"

namespace n2s::device {
namespace {

std::size_t count_of(int count) {
  return static_cast<std::size_t>(count);
}

std::size_t voxels_of(const StackPlanes& stack) {
  return count_of(stack.planes) * stack.plane_pixels();
}

std::size_t bins_of(const StackPlanes& stack) {
  return SpectrumShape{stack.height, stack.width}.size();
}

/// Whether batches read the source's planes themselves, not only their spectra.
bool needs_source(const BatchSettings& settings, const TrainingStack& stack) {
  return !in_frequency_space(settings) || (!stack.target && method_of(settings).target == TargetOf::clean_source);
}

template <typename T>
void upload(T* to, std::span<const T> from, cudaStream_t stream) {
  cuda_upload(to, std::as_bytes(from), stream, "uploading a dataset");
}

/// Transforms a stack's planes, a few at a time.
class SpectraUpload {
 public:
  SpectraUpload(const StackPlanes& of, cudaStream_t stream)
      : stream_(stream),
        fft_(of.height, of.width, kTogether),
        planes_(cuda_array<float>(kTogether * of.plane_pixels())),
        spectra_(cuda_array<float2>(kTogether * bins_of(of))) {}

  void run(const StackPlanes& stack, float2* to) {
    const std::size_t pixels = stack.plane_pixels();
    const std::size_t bins = bins_of(stack);
    for (std::size_t first = 0; first < count_of(stack.planes); first += kTogether) {
      const std::size_t count = std::min<std::size_t>(kTogether, count_of(stack.planes) - first);
      check(cudaMemsetAsync(planes_.get(), 0, kTogether * pixels * sizeof(float), stream_), "uploading a dataset");
      std::vector<float> storage;
      for (std::size_t i = 0; i < count; ++i)
        upload(planes_.get() + i * pixels, stack.plane(static_cast<int>(first + i), storage), stream_);
      fft_.forward(planes_.get(), spectra_.get(), stream_);
      scale(&spectra_.get()->x, &(to + first * bins)->x, 2 * count * bins, 1 / static_cast<float>(pixels), stream_);
    }
  }

 private:
  static constexpr int kTogether = 16;
  cudaStream_t stream_;
  DeviceFft2d fft_;
  CudaArray<float> planes_;
  CudaArray<float2> spectra_;
};

}  // namespace

void MemoryBudget::take(std::size_t bytes) {
  constexpr double kGiB = 1 << 30;
  if (bytes > limit_ - used_)
    throw NotResident(
        fmt::format("the dataset and its batches need {:.2f} GiB of GPU memory or more, {:.2f} GiB are "
                    "left for them",
                    static_cast<double>(used_ + bytes) / kGiB, static_cast<double>(limit_) / kGiB));
  used_ += bytes;
}

bool in_frequency_space(const BatchSettings& settings) {
  return settings.noise && std::holds_alternative<KspaceNoise>(*settings.noise);
}

ResidentStacks::ResidentStacks(const std::vector<TrainingStack>& stacks, const std::vector<PlaneOfStack>& targets,
                               const BatchSettings& settings, MemoryBudget& budget, cudaStream_t stream)
    : height_(stacks.front().source.height),
      width_(stacks.front().source.width),
      count_(static_cast<std::uint32_t>(targets.size())) {
  for (const TrainingStack& stack : stacks)
    if (in_frequency_space(settings) && (stack.source.height != height_ || stack.source.width != width_))
      throw NotResident(fmt::format("undersampling on the GPU needs planes of one size, and there are {}x{} and {}x{}",
                                    height_, width_, stack.source.height, stack.source.width));
  if (in_frequency_space(settings) && !has_cufft())
    throw NotResident("undersampling on the GPU needs NVIDIA's cuFFT, which is not found");
  allocate(stacks, settings, budget);
  upload_stacks(stacks, settings, stream);
  upload_targets(stacks, targets, settings, stream);
}

ResidentSet ResidentStacks::set() const {
  return {stacks_.get(), targets_.get(), neighbours_.get(), nullptr, count_};
}

void ResidentStacks::allocate(const std::vector<TrainingStack>& stacks, const BatchSettings& settings,
                              MemoryBudget& budget) {
  std::size_t voxels = 0;
  std::size_t bins = 0;
  for (const TrainingStack& stack : stacks) {
    if (needs_source(settings, stack)) voxels += voxels_of(stack.source);
    if (stack.target) voxels += voxels_of(*stack.target);
    if (in_frequency_space(settings)) bins += count_of(stack.source.planes) * bins_of(stack.source);
  }
  voxels_ = budget.array<float>(voxels);
  spectra_ = budget.array<float2>(bins);
  stacks_ = budget.array<ResidentStack>(stacks.size());
  targets_ = budget.array<ResidentTarget>(count_);
  neighbours_ = budget.array<int>(count_ * count_of(settings.planes));
}

void ResidentStacks::upload_stacks(const std::vector<TrainingStack>& stacks, const BatchSettings& settings,
                                   cudaStream_t stream) {
  float* free_voxels = voxels_.get();
  std::vector<float> storage;
  const auto keep = [&](const StackPlanes& planes) {
    const float* kept = free_voxels;
    for (int plane = 0; plane < planes.planes; ++plane, free_voxels += planes.plane_pixels())
      upload(free_voxels, planes.plane(plane, storage), stream);
    return kept;
  };
  float2* free_bins = spectra_.get();
  std::optional<SpectraUpload> transform;
  if (in_frequency_space(settings)) transform.emplace(stacks.front().source, stream);
  std::vector<ResidentStack> resident;
  for (const TrainingStack& stack : stacks) {
    ResidentStack r{stack.source.height, stack.source.width, nullptr, nullptr, nullptr};
    if (needs_source(settings, stack)) r.source = keep(stack.source);
    if (stack.target) r.target = keep(*stack.target);
    if (transform) {
      transform->run(stack.source, free_bins);
      r.spectra = free_bins;
      free_bins += count_of(stack.source.planes) * bins_of(stack.source);
    }
    resident.push_back(r);
  }
  upload(stacks_.get(), std::span<const ResidentStack>(resident), stream);  // waits for the transforms, too
}

void ResidentStacks::upload_targets(const std::vector<TrainingStack>& stacks, const std::vector<PlaneOfStack>& targets,
                                    const BatchSettings& settings, cudaStream_t stream) {
  std::vector<ResidentTarget> resident;
  std::vector<int> neighbours;
  for (const auto& [stack, plane] : targets) {
    const TrainingStack& from = stacks[count_of(stack)];
    const std::vector<int> seen = neighbour_planes(from.source.planes, plane, settings.planes, settings.gap);
    resident.push_back({stack, target_plane(method_of(settings), from, plane)});
    neighbours.insert(neighbours.end(), seen.begin(), seen.end());
  }
  upload(targets_.get(), std::span<const ResidentTarget>(resident), stream);
  upload(neighbours_.get(), std::span<const int>(neighbours), stream);
}

}  // namespace n2s::device
