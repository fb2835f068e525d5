// A simulated multi-well plate, as high-content microscopes export it: one TIFF for each well, field, plane and channel
// (r01c01f01p01-ch1sk1fk1fl1.tiff). Channel 1 is fluorescence at 20 ms, channel 2 the same field at 100 ms, channel 3
// bright field. The paper's microscopy experiment has data of this kind (section 3.2).
#pragma once

#include <cstdint>
#include <filesystem>

#include "kernels/base/thread_pool.h"

namespace n2s {

struct PlateSettings {
  int wells = 3, fields = 9, planes = 10, side = 512;
  /// Events that a pixel of a bright nucleus gives in 20 ms. 10 is what the fits of `n2s bm3d --noise
  /// poisson-gaussian` to single exposures of the W2S data set say (a gain of 20 to 28 of 250 grey values).
  double events = 10;
  /// Of a pixel's noise with that of the next one, in rows and in columns, as cameras and what resamples their images
  /// leave it; below 0.7.
  double correlation = 0;
  std::uint64_t seed = 1;
};

/// Returns the number of files. Throws Error.
long simulate_plate(const std::filesystem::path& folder, const PlateSettings& settings, bool overwrite,
                    ThreadPool& pool);

}  // namespace n2s
