// One allocation of four equal parts: values, gradients and both moments.
#include "engine/runtime/parameter_memory.h"

#include <fmt/format.h>

#include "kernels/base/error.h"

namespace n2s {

ParameterMemory::ParameterMemory(Backend& backend, const std::vector<Layer>& layers, bool training)
    : backend_(&backend),
      layout_(parameter_layout(layers)),
      training_(training),
      memory_(backend.allocate(layout_.total * sizeof(float) * (training ? 4 : 1))) {
  const std::vector<float> zeros(layout_.total);
  for (const Part part : {Part::values, Part::gradients, Part::first_moment, Part::second_moment})
    if (part == Part::values || training) upload(part, zeros);
}

std::span<float> ParameterMemory::part(Part part) const {
  if (part != Part::values && !training_) throw Error("this network was loaded for inference: it has no gradients");
  return memory_.as<float>().subspan(static_cast<std::size_t>(part) * layout_.total, layout_.total);
}

LayerMemory ParameterMemory::layer(LayerId id) const {
  const LayerParameters& ranges = layout_.layers.at(static_cast<std::size_t>(id));
  const std::span<float> values = part(Part::values);
  LayerMemory memory{values.data() + ranges.weight.offset, values.data() + ranges.bias.offset, nullptr, nullptr};
  if (training_) {
    const std::span<float> gradients = part(Part::gradients);
    memory.weight_gradient = gradients.data() + ranges.weight.offset;
    memory.bias_gradient = gradients.data() + ranges.bias.offset;
  }
  return memory;
}

void ParameterMemory::upload(Part which, std::span<const float> host) {
  const std::span<float> device = part(which);
  if (host.size() != device.size())
    throw Error(fmt::format("{} parameters do not fit a network of {}", host.size(), device.size()));
  backend_->upload(std::as_writable_bytes(device).data(), std::as_bytes(host));
  if (which == Part::values) ++version_;
}

std::vector<float> ParameterMemory::download(Part which) const {
  const std::span<float> device = part(which);
  std::vector<float> host(device.size());
  backend_->download(std::as_writable_bytes(std::span(host)), std::as_bytes(device).data());
  return host;
}

void ParameterMemory::adam(const double* loss) {
  backend_->adam(
      {part(Part::values), part(Part::first_moment), part(Part::second_moment), part(Part::gradients), loss});
}

}  // namespace n2s
