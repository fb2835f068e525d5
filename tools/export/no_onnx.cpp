// Stands for onnx_model.cpp where the build is without ONNX (N2S_ONNX=OFF).
#include "kernels/base/error.h"
#include "tools/export/onnx_model.h"

namespace n2s {

std::string onnx_model(const LoadedModel& /*model*/, const std::string& /*configuration*/,
                       const OnnxOptions& /*options*/) {
  throw Error("this build is without ONNX; build it with libonnx-dev and libprotobuf-dev installed");
}

}  // namespace n2s
