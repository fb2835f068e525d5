// Undersampling and k-space data consistency on a GPU: one frequency per thread.
#include "kernels/kspace/cuda.h"

#include "kernels/base/error.h"
#include "kernels/device/grid.h"
#include "kernels/kspace/mask.h"

namespace n2s::device {
namespace {

std::size_t bins_of(const DeviceKspaceSampling& sampling) {
  return SpectrumShape{sampling.height, sampling.width}.size();
}

LaunchShape grid_of(const DeviceKspaceSampling& sampling, int planes, cudaStream_t stream) {
  LaunchShape shape = grid_for(bins_of(sampling), stream);
  shape.grid.y = static_cast<unsigned>(planes);
  return shape;
}

/// Each thread draws its bin's random number itself. A Philox block has numbers for four bins, so four threads compute
/// the same block, which is cheaper than exchanging it.
__device__ bool keeps(const DeviceKspaceSampling& s, const RandomKey& key, std::size_t bin) {
  const auto columns = static_cast<unsigned>(s.width / 2 + 1);
  const auto y = static_cast<int>(static_cast<unsigned>(bin) / columns);
  const auto x = static_cast<int>(static_cast<unsigned>(bin) % columns);
  return is_kept(random_bits(key, drawing_bin(s.height, s.width, y, x)), s.keep_probability[bin]);
}

__global__ void weight_kernel(const DeviceKspaceSampling s, std::size_t bins, const KspacePlane* planes,
                              float2* weighted) {
  const std::size_t bin = grid_index();
  if (bin >= bins) return;
  const KspacePlane plane = planes[blockIdx.y];
  float2 value = make_float2(0, 0);
  if (plane.spectrum != nullptr && keeps(s, plane.key, bin)) {
    const float p = s.keep_probability[bin];
    value = plane.spectrum[bin];
    value = make_float2(value.x / p, value.y / p);
  }
  weighted[blockIdx.y * bins + bin] = value;
}

__global__ void consistency_kernel(const DeviceKspaceSampling s, std::size_t bins, const RandomKey* keys,
                                   const float2* measured, float2* spectra) {
  const std::size_t bin = grid_index();
  if (bin >= bins || !keeps(s, keys[blockIdx.y], bin)) return;
  const std::size_t i = blockIdx.y * bins + bin;
  const float p = s.keep_probability[bin];
  spectra[i] = make_float2(measured[i].x * p, measured[i].y * p);
}

}  // namespace

void kspace_weight(const DeviceKspaceSampling& sampling, const KspacePlane* planes, int count, float2* weighted,
                   cudaStream_t stream) {
  if (count == 0) return;
  launch("undersampling", weight_kernel, grid_of(sampling, count, stream), sampling, bins_of(sampling), planes,
         weighted);
}

void kspace_data_consistency(const DeviceKspaceConsistency& p, DeviceFft2d& fft, cudaStream_t stream) {
  if (fft.shape().height != p.sampling.height || fft.shape().width != p.sampling.width)
    throw Error("k-space data consistency: the sizes do not fit together");
  fft.forward(p.noisy, p.measured, stream);
  fft.forward(p.restored, p.spectra, stream);
  launch("k-space data consistency", consistency_kernel, grid_of(p.sampling, fft.batch(), stream), p.sampling,
         bins_of(p.sampling), p.keys, static_cast<const float2*>(p.measured), p.spectra);
  fft.inverse(p.spectra, p.restored, stream);
}

}  // namespace n2s::device
