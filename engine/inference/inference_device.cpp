// What the host does for a device that has nothing of its own.
#include "engine/inference/inference_device.h"

#include "engine/inference/host_tiles.h"

namespace n2s {

int InferenceDevice::busy_pixels() const {
  return 1 << 16;
}

std::unique_ptr<StackTiles> InferenceDevice::stack_tiles(const TileRequest& request) {
  return std::make_unique<HostTiles>(request);
}

bool InferenceDevice::restore_measured(const MeasuredPlanes&, std::string&) {
  return false;
}

bool InferenceDevice::measure(const Measurement&, std::string&) {
  return false;
}

bool InferenceDevice::filter(const Bm3dProblem&, const PlaneFilterRequest&) {
  return false;
}

bool InferenceDevice::filter(const NlmProblem&, const PlaneFilterRequest&) {
  return false;
}

}  // namespace n2s
