// A trained network as an ONNX model (onnx.ai), for programs that run such models: ONNX Runtime, OpenVINO, BioImage.IO.
#pragma once

#include <string>

#include "tools/model_use.h"

namespace n2s {

struct OnnxOptions {
  /// The graph takes and gives values in the units of the training data: the model's own normalisation is part of it.
  /// Else it takes and gives normalised ones.
  bool normalises = false;
};

/// The bytes of the model: opset 17, one input "planes" of batch x planes x height x width, one output "restored" of
/// batch x 1 x height x width, float32. Height and width are any: the graph pads by reflection to what
/// the network can halve, and cuts the result. `configuration` is stored in the metadata as "n2s.configuration", and
/// which planes of a stack the input's channels are, relative to the one that is restored, as "n2s.offsets".
std::string onnx_model(const LoadedModel& model, const std::string& configuration, const OnnxOptions& options);

}  // namespace n2s
