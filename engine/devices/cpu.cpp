// The CPU as a device: the host does everything.
#include "engine/devices/device.h"

namespace n2s {

Device open_cpu(const CpuBackendOptions& options) {
  Device device;
  device.backend = std::make_unique<CpuBackend>(options);
  device.inference = std::make_unique<InferenceDevice>(*device.backend);
  device.batch_loader = [](const BatchRequest& request) { return std::make_unique<HostBatchLoader>(request.host); };
  return device;
}

}  // namespace n2s
