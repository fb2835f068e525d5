#include "nets/network.h"

#include <fmt/format.h>

#include "kernels/base/error.h"
#include "nets/microscopy_unet.h"
#include "nets/mri_unet.h"

namespace n2s {

Network make_network(NetworkKind kind, int planes) {
  if (kind == NetworkKind::mri) return {kind, mri_unet(planes), 158};
  return {kind, microscopy_unet(planes), 24};
}

NetworkKind network_kind(const std::string& name) {
  if (name == "mri") return NetworkKind::mri;
  if (name == "microscopy") return NetworkKind::microscopy;
  throw Error(fmt::format("there is no network '{}': choose mri or microscopy", name));
}

std::string network_name(NetworkKind kind) {
  return kind == NetworkKind::mri ? "mri" : "microscopy";
}

}  // namespace n2s
