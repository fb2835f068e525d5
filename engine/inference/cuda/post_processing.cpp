// Copies some planes at a time to the GPU, transforms both, replaces the measured frequencies, transforms back.
#include "engine/inference/cuda/post_processing.h"

#include <algorithm>

#include "kernels/base/error.h"

namespace n2s::device {
namespace {

constexpr std::size_t kMostBytes = std::size_t{256} << 20;  // more at once is no faster
constexpr const char* kConsistencyWork = "k-space data consistency on the GPU";

std::size_t pixels_of(const KspaceSampling& sampling) {
  return static_cast<std::size_t>(sampling.height) * static_cast<std::size_t>(sampling.width);
}

/// Two images, two spectra, and room for what cuFFT works in, which is of a spectrum's size as a rule.
std::size_t planes_at_once(const KspaceSampling& sampling, std::size_t planes, std::size_t limit) {
  const std::size_t bytes =
      2 * pixels_of(sampling) * sizeof(float) + 3 * sampling.keep_probability.size() * sizeof(float2);
  return std::clamp(std::min(limit, kMostBytes) / bytes, std::size_t{1}, planes);
}

}  // namespace

PostProcessing::PostProcessing(const KspaceSampling& sampling, std::size_t planes, std::size_t limit,
                               cudaStream_t stream)
    : pixels_(pixels_of(sampling)),
      at_once_(planes_at_once(sampling, planes, limit)),
      stream_(stream),
      fft_(sampling.height, sampling.width, static_cast<int>(at_once_)),
      keep_probability_(cuda_array<float>(sampling.keep_probability.size())),
      keys_(cuda_array<RandomKey>(at_once_)),
      noisy_(cuda_array<float>(at_once_ * pixels_)),
      restored_(cuda_array<float>(at_once_ * pixels_)),
      measured_(cuda_array<float2>(at_once_ * sampling.keep_probability.size())),
      spectra_(cuda_array<float2>(at_once_ * sampling.keep_probability.size())) {
  cuda_upload(keep_probability_.get(), std::as_bytes(std::span(sampling.keep_probability)), stream_, kConsistencyWork);
}

void PostProcessing::run(const MeasuredPlanes& p) {
  const std::size_t planes = p.keys.size();
  if (p.noisy.size() != planes * pixels_ || p.restored.size() != planes * pixels_)
    throw Error("k-space data consistency: the sizes do not match");
  for (std::size_t first = 0; first < planes; first += at_once_) {
    // Of the last planes there may be fewer: what the others left behind is transformed again, and not read.
    const std::size_t count = std::min(at_once_, planes - first);
    const std::span<float> restored = p.restored.subspan(first * pixels_, count * pixels_);
    cuda_upload(keys_.get(), std::as_bytes(p.keys.subspan(first, count)), stream_, kConsistencyWork);
    cuda_upload(noisy_.get(), std::as_bytes(p.noisy.subspan(first * pixels_, count * pixels_)), stream_,
                kConsistencyWork);
    cuda_upload(restored_.get(), std::as_bytes(restored), stream_, kConsistencyWork);
    const DeviceKspaceSampling sampling{p.sampling.height, p.sampling.width, keep_probability_.get()};
    kspace_data_consistency({sampling, keys_.get(), noisy_.get(), restored_.get(), measured_.get(), spectra_.get()},
                            fft_, stream_);
    cuda_download(std::as_writable_bytes(restored), restored_.get(), stream_, kConsistencyWork);
  }
}

}  // namespace n2s::device
