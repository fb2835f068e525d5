// See pytorch_module.h.
#include "tools/export/pytorch_module.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>
#include <utility>
#include <variant>
#include <vector>

#include "kernels/base/error.h"
#include "tools/export/plane_offsets.h"

namespace n2s {
namespace {

constexpr const char* kFile = R"PY("""The network "{name}" of a model of n2s {version} (Noise2Stack), in plain PyTorch.

    network = load()                     # the trained one, from {state}
    restored = network(planes)           # normalised values, batch x {planes} x height x width -> batch x 1 x height x width

The input's channels are the planes at these offsets from the one that is restored: {offsets}. Any height and width will
do. Trained further, its state is a model again: n2s import STATE.safetensors --like MODEL -o NEW.safetensors

The model's configuration: {configuration}
"""
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

OFFSETS = [{offsets}]


def reflected(length, divisor):
    """Positions that continue an axis by reflection to a multiple of `divisor`."""
    period = max(1, 2 * (length - 1))
    folded = torch.arange(-(-length // divisor) * divisor) % period
    return torch.minimum(folded, period - folded)

{blur}
class Network(nn.Module):
    def __init__(self):
        super().__init__()
{layers}
    def forward(self, planes):
        height, width = planes.shape[2:]
        {input} = planes[:, :, reflected(height, {divisor}).to(planes.device)][:, :, :, reflected(width, {divisor}).to(planes.device)]
{operations}        return {output}[:, :, :height, :width]


def load(path=Path(__file__).parent / "{state}"):
    """The network with the parameters of a file."""
{reading}    network = Network()
    network.load_state_dict(state)
    return network.eval()
)PY";

constexpr const char* kReadSafetensors = R"PY(    from safetensors.torch import load_file
    state = load_file(str(path))
)PY";
constexpr const char* kReadPt = R"PY(    state = torch.load(path, map_location="cpu", weights_only=True)
)PY";

constexpr const char* kBlur = R"PY(
def blur_pooled(x):
    """Maxima of all 2x2 windows, blurred, every second one."""
    maxima = F.max_pool2d(F.pad(x, (0, 1, 0, 1), value=-torch.inf), 2, 1)
    taps = torch.tensor([0.25, 0.5, 0.25], dtype=x.dtype, device=x.device)
    weights = torch.outer(taps, taps).expand(x.shape[1], 1, 3, 3)
    return F.conv2d(F.pad(maxima, (1, 0, 1, 0), mode="replicate"), weights, stride=2, groups=x.shape[1])

)PY";

/// "down1.conv2" is self.down1["conv2"], so that the parameters have the model's names.
std::pair<std::string, std::string> block_and_conv(const std::string& layer) {
  const std::size_t dot = layer.find('.');
  if (dot == std::string::npos) return {layer, ""};
  return {layer.substr(0, dot), layer.substr(dot + 1)};
}

std::string layer_lines(const Graph& graph) {
  std::vector<std::pair<std::string, std::vector<std::string>>> blocks;
  for (const Layer& layer : graph.layers) {
    const auto [block, conv] = block_and_conv(layer.name);
    const std::string made = fmt::format("nn.Conv2d({}, {}, 3, padding=1)", layer.in_channels, layer.out_channels);
    if (blocks.empty() || blocks.back().first != block) blocks.push_back({block, {}});
    blocks.back().second.push_back(conv.empty() ? made : fmt::format("\"{}\": {}", conv, made));
  }
  std::string lines;
  for (const auto& [block, convs] : blocks)
    lines += convs.front().front() == '"'
                 ? fmt::format("        self.{} = nn.ModuleDict({{{}}})\n", block, fmt::join(convs, ", "))
                 : fmt::format("        self.{} = {}\n", block, convs.front());
  return lines;
}

std::string value(ValueId id) {
  return fmt::format("x{}", id);
}

/// One statement for each operation.
struct Statement {
  const Graph& graph;

  std::string operator()(const Convolution& c) const {
    const auto [block, conv] = block_and_conv(graph.layers.at(static_cast<std::size_t>(c.layer)).name);
    return conv.empty() ? fmt::format("{} = self.{}({})", value(c.out), block, value(c.skip))
                        : fmt::format("{} = self.{}[\"{}\"]({})", value(c.out), block, conv, value(c.skip));
  }
  std::string operator()(const Activation& a) const {
    return a.slope == 0 ? fmt::format("{} = F.relu({})", value(a.out), value(a.in))
                        : fmt::format("{} = F.leaky_relu({}, {:.6g})", value(a.out), value(a.in), a.slope);
  }
  std::string operator()(const MaxPool& p) const {
    return fmt::format("{} = F.max_pool2d({}, 2)", value(p.out), value(p.in));
  }
  std::string operator()(const BlurPool& p) const {
    return fmt::format("{} = blur_pooled({})", value(p.out), value(p.in));
  }
  std::string operator()(const Upsample& u) const {
    return fmt::format("{} = F.interpolate({}, scale_factor=2, mode=\"nearest\")", value(u.out), value(u.in));
  }
  std::string operator()(const Concat& c) const {
    return fmt::format("{} = torch.cat([{}, {}], 1)", value(c.out), value(c.first), value(c.second));
  }
  std::string operator()(const AddPlane& a) const {
    return fmt::format("{} = {} + {}[:, {}:{}]", value(a.out), value(a.in), value(a.source), a.channel, a.channel + 1);
  }
  template <BackwardOperation Op>
  std::string operator()(const Op& /*operation*/) const {
    throw Error("a network's forward graph has no backward operations");
  }
};

}  // namespace

std::string pytorch_module(const LoadedModel& model, const std::string& configuration, const std::string& state) {
  const Graph graph = model.network->build(model.planes);
  std::string operations;
  bool has_blur = false;
  for (const Operation& operation : graph.operations) {
    operations += "        " + std::visit(Statement{graph}, operation) + "\n";
    has_blur = has_blur || std::holds_alternative<BlurPool>(operation);
  }
  return fmt::format(fmt::runtime(kFile), fmt::arg("name", model.network->name), fmt::arg("version", N2S_VERSION),
                     fmt::arg("state", state), fmt::arg("reading", state.ends_with(".pt") ? kReadPt : kReadSafetensors),
                     fmt::arg("planes", model.planes),
                     fmt::arg("offsets", fmt::format("{}", fmt::join(plane_offsets(model), ", "))),
                     fmt::arg("configuration", configuration), fmt::arg("blur", has_blur ? kBlur : ""),
                     fmt::arg("layers", layer_lines(graph)), fmt::arg("input", value(graph.input)),
                     fmt::arg("divisor", 1 << depth(graph)), fmt::arg("operations", operations),
                     fmt::arg("output", value(graph.output)));
}

}  // namespace n2s
