// Writes rdf.yaml (JSON, which is YAML as well), README.md and the images. The specification:
// https://bioimage-io.github.io/spec-bioimage-io.
#include "tools/export/bioimage_package.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <span>

#include "data/phantom.h"
#include "engine/graph/receptive_field.h"
#include "kernels/base/error.h"
#include "kernels/base/philox.h"
#include "tools/export/onnx_model.h"
#include "tools/export/plane_offsets.h"
#include "tools/export/pytorch_module.h"
#include "tools/export/torch_state.h"
#include "tools/pictures/result_pictures.h"

namespace n2s {
namespace {

using nlohmann::json;

/// An array of NumPy (.npy, version 1) of batch 1 x planes x height x width.
std::string npy(const Stack& stack) {
  std::string header = fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': (1, {}, {}, {}), }}",
                                   stack.planes, stack.height, stack.width);
  constexpr std::size_t kStart = 10, kAlignment = 64;
  while ((kStart + header.size() + 1) % kAlignment != 0) header += ' ';
  header += '\n';
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes += static_cast<char>(header.size() & 0xff);
  bytes += static_cast<char>(header.size() >> 8);
  const auto values = std::as_bytes(std::span(stack.voxels));
  return bytes + header + std::string(reinterpret_cast<const char*>(values.data()), values.size());
}

struct TestImages {
  Stack noisy, restored;  // of as many planes as the network sees, and of one; in the units of the training data
};

/// A noisy phantom at the levels of the training data, and what this engine makes of it.
TestImages test_images(const LoadedModel& model, const Device& device) {
  constexpr int kHeight = 128, kWidth = 144;  // two sizes, so that a reader who mistakes rows for columns notices
  constexpr double kNoise = 0.1;
  const std::vector<int> offsets = plane_offsets(model);
  const int reach = std::max(offsets.back(), -offsets.front());
  Stack stack = head_phantom(2 * reach + 1, kHeight, kWidth);
  const bool is_centred = model.normalisation.kind.find("range") != std::string::npos;  // -0.5 to 0.5, not 0 to 1
  std::uint32_t index = 0;
  for (float& v : stack.voxels)
    v +=
        static_cast<float>(kNoise * random_normal({.purpose = Purpose::phantom}, index++)) - (is_centred ? 0.5F : 0.0F);
  const Stack all = Denoiser(model, *device.inference).restore(stack, {}, {});

  TestImages images{{model.planes, kHeight, kWidth, {}}, {1, kHeight, kWidth, {}}};
  for (const int offset : offsets) {
    const auto plane = plane_of(std::as_const(stack), reach + offset);
    images.noisy.voxels.insert(images.noisy.voxels.end(), plane.begin(), plane.end());
  }
  const auto plane = plane_of(all, reach);
  images.restored.voxels.assign(plane.begin(), plane.end());
  undo_normalisation(model.normalisation, images.noisy.voxels);
  undo_normalisation(model.normalisation, images.restored.voxels);
  return images;
}

Stack middle_of(const Stack& stack) {
  const auto plane = plane_of(stack, stack.planes / 2);
  return {1, stack.height, stack.width, {plane.begin(), plane.end()}};
}

json space_axes(const json& size, int halo) {
  json axes = json::array();
  for (const char* id : {"y", "x"}) {
    json axis{{"type", "space"}, {"id", id}, {"size", size}};
    if (axis["size"].contains("axis_id")) axis["size"]["axis_id"] = id;
    if (halo > 0) axis["halo"] = halo;
    axes.push_back(axis);
  }
  return axes;
}

json tensor(const std::string& id, const std::vector<std::string>& channels, const json& space,
            const std::string& file) {
  json axes = json::array({{{"type", "batch"}}, {{"type", "channel"}, {"channel_names", channels}}});
  axes.insert(axes.end(), space.begin(), space.end());
  return {{"id", id}, {"axes", axes}, {"test_tensor", {{"source", file}}}, {"data", {{"type", "float32"}}}};
}

json scaling(double gain, double offset) {
  return {{"id", "scale_linear"}, {"kwargs", {{"gain", gain}, {"offset", offset}}}};
}

/// Pixels at a tile's edges that are not used where an image is cut into tiles.
int halo_of(const LoadedModel& model) {
  constexpr int kMost = 32;  // what lies further away hardly counts
  return std::min(kMost, receptive_radius(model.network->build(model.planes)));
}

json rdf(const LoadedModel& model, const PackageTexts& texts) {
  const int halo = halo_of(model);
  std::vector<std::string> channels;
  for (const int offset : plane_offsets(model)) channels.push_back(fmt::format("plane{:+}", offset));
  json input = tensor("planes", channels, space_axes({{"min", 2 * halo + 16}, {"step", 1}}, 0), "test_input.npy");
  json output =
      tensor("restored", {"restored"}, space_axes({{"tensor_id", "planes"}, {"axis_id", ""}}, halo), "test_output.npy");
  const Normalisation& n = model.normalisation;
  if (n.scale != 1 || n.offset != 0) {
    input["preprocessing"].push_back(scaling(n.scale, n.offset));
    output["postprocessing"].push_back(scaling(1 / n.scale, -n.offset / n.scale));
  }
  if (n.clip_low || n.clip_high) {
    json limits = json::object();
    if (n.clip_low) limits["min"] = *n.clip_low;
    if (n.clip_high) limits["max"] = *n.clip_high;
    input["preprocessing"].push_back({{"id", "clip"}, {"kwargs", limits}});
  }
  json description{
      {"format_version", "0.5.4"},
      {"type", "model"},
      {"name",
       texts.title.empty() ? fmt::format("{} network trained by {}", model.network->name, model.method) : texts.title},
      {"description",
       fmt::format("Restores the middle one of {} planes of a noisy image stack (Noise2Stack, network {}).",
                   model.planes, model.network->name)},
      {"authors", {{{"name", texts.author}}}},
      {"cite",
       {{{"text", "Papkov et al. 2020, Noise2Stack: Improving Image Restoration by Learning from Volumetric Data"},
         {"doi", "10.48550/arXiv.2011.05105"}}}},
      {"documentation", "README.md"},
      {"covers", {"cover.png"}},
      {"tags", {"denoising", "image-restoration", "noise2stack", "unet", "2d", "pytorch", "onnx"}},
      {"inputs", {input}},
      {"outputs", {output}},
      {"weights",
       {{"onnx", {{"source", "weights.onnx"}, {"opset_version", 17}, {"parent", "pytorch_state_dict"}}},
        {"pytorch_state_dict",
         {{"source", "weights.pt"},
          {"architecture", {{"source", "network.py"}, {"callable", "Network"}}},
          {"pytorch_version", "2.0"}}}}}};
  if (!texts.licence.empty()) description["license"] = texts.licence;
  return description;
}

std::string readme(const LoadedModel& model, const std::string& configuration) {
  const Normalisation& n = model.normalisation;
  return fmt::format(
      R"(# {network} network, trained by {method}

Restores one plane of a noisy image stack from {planes} planes, by Noise2Stack (Papkov et al. 2020, arXiv:2011.05105).

## Input and output

The input's channels are the planes at {offsets} from the one that is restored, in this order; 0 is that plane itself. At
the ends of a stack take the plane at the mirrored offset in place of one that is not there. To restore a stack, move through
its planes one by one.

Values are those of the data that the network was trained on: they are multiplied by {scale:g} and {offset:g} is added, and
the output has the same units again. Data at other levels should be brought to these first; `n2s denoise` does that
by each stack's own levels. Programs that cut an image into tiles leave {halo} pixels at a tile's edges out (the halo); a
whole plane without that is what `n2s denoise` restores.

# Validation

The network has learned from the stacks that it was trained on, so look at structures that occur elsewhere with care.
Where a clean image or a second noisy copy is at hand, compare with it: `n2s evaluate RESTORED TRUTH` gives PSNR, SSIM and
NRMSE. The test images of this package are a phantom: they show that a program runs the network rightly, not how well
it restores.

## How it was made

By n2s {version}. The model's configuration:

```json
{configuration}
```
)",
      fmt::arg("network", model.network->name), fmt::arg("method", model.method), fmt::arg("planes", model.planes),
      fmt::arg("offsets", fmt::format("{}", fmt::join(plane_offsets(model), ", "))), fmt::arg("halo", halo_of(model)),
      fmt::arg("scale", n.scale), fmt::arg("offset", n.offset), fmt::arg("version", N2S_VERSION),
      fmt::arg("configuration", json::parse(configuration).dump(2)));
}

}  // namespace

std::vector<ArchivedFile> bioimage_package(const LoadedModel& model, const std::string& configuration,
                                           const PackageTexts& texts, const std::optional<PackageExample>& example,
                                           const Device& device) {
  const TestImages tests = test_images(model, device);
  const Stack noisy = example ? example->noisy : middle_of(tests.noisy);
  const std::vector<std::byte> cover =
      middle_panel({{"noisy", &noisy}, {"restored", example ? &example->restored : &tests.restored}}).png();
  return {{"rdf.yaml", rdf(model, texts).dump(2) + "\n"},
          {"README.md", readme(model, configuration)},
          {"weights.onnx", onnx_model(model, configuration, {})},
          {"weights.pt", torch_state(model)},
          {"network.py", pytorch_module(model, configuration, "weights.pt")},
          {"test_input.npy", npy(tests.noisy)},
          {"test_output.npy", npy(tests.restored)},
          {"cover.png", {reinterpret_cast<const char*>(cover.data()), cover.size()}}};
}

}  // namespace n2s
