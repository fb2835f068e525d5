// BM3D as a filter of stacks, on the device in use.
#pragma once

#include "engine/devices/device.h"
#include "kernels/base/thread_pool.h"
#include "tools/common.h"
#include "tools/filters/filtered_file.h"
#include "tools/filters/noise_option.h"

namespace n2s {

/// Plane by plane; a camera's noise goes through the generalised Anscombe transform. On the device, or, where that
/// cannot, on the CPU, with a note. The arguments must live as long as the filter.
StackFilter bm3d_filter(const StackNoise& noise, const CommonOptions& common, const Device& device, ThreadPool& pool);

}  // namespace n2s
