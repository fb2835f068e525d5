// What a camera adds to every image: the median of each pixel over all images of one modality (Papkov et al. 2020,
// section 3.2). Images are kept in their sample type, on a disk where memory is short, and read band by band.
#pragma once

#include <span>
#include <vector>

#include "data/stored_planes.h"
#include "kernels/base/thread_pool.h"

namespace n2s {

/// The median of each pixel over the planes with these numbers (of an even number the mean of the middle two); one
/// plane. Reads bands of rows, so that 128 MiB suffice. Throws Error where the disk does.
std::vector<float> pixel_medians(const StoredPlanes& images, std::span<const int> planes, ThreadPool& pool);

}  // namespace n2s
