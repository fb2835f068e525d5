// A model as a BioImage.IO package (bioimage.io, specification 0.5), which deepImageJ in Fiji, ilastik, QuPath and
// bioimageio.core read: ONNX and PyTorch weights, images to test them with, and what a reader should know.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "data/stack.h"
#include "engine/devices/device.h"
#include "tools/export/zip_file.h"
#include "tools/model_use.h"

namespace n2s {

struct PackageTexts {
  std::string title;                 // empty: network and method
  std::string author = "not named";  // of the model
  std::string licence;               // of the model, by SPDX; empty: none is given
};

/// A plane before and after, for the cover.
struct PackageExample {
  Stack noisy, restored;
};

/// The files of the package. Values are those of the data that the model was trained on: pre- and post-processing hold
/// its normalisation. The test images are a phantom at these levels. Without an example the phantom is on the cover as
/// well. `configuration` is the model's. Throws Error.
std::vector<ArchivedFile> bioimage_package(const LoadedModel& model, const std::string& configuration,
                                           const PackageTexts& texts, const std::optional<PackageExample>& example,
                                           const Device& device);

}  // namespace n2s
