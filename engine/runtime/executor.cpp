// Binds the plan's offsets to one allocation, packs weights that have changed, and runs one operation after the other.
#include "engine/runtime/executor.h"

#include <fmt/format.h>

#include "kernels/base/error.h"

namespace n2s {
namespace {

void check(const Graph& graph, const Extents& extents) {
  const int divisor = 1 << depth(graph);
  if (extents.batch < 1 || extents.height < 1 || extents.width < 1 || extents.height % divisor != 0 ||
      extents.width % divisor != 0)
    throw Error(fmt::format("{} images of {}x{} pixels: this network needs sides divisible by {}", extents.batch,
                            extents.height, extents.width, divisor));
}

}  // namespace

Plan plan_for(const Backend& backend, const Graph& graph, const Extents& extents) {
  check(graph, extents);
  PlanSizes sizes;
  for (const Value& value : graph.values) sizes.values.push_back(backend.value_bytes(value, extents));
  for (const Operation& operation : graph.operations) {
    const OperationMemory memory = backend.operation_memory(graph, operation, extents);
    sizes.packed.push_back(memory.packed);
    sizes.scratch.push_back(memory.scratch);
  }
  return make_plan(graph, sizes);
}

Executor::Executor(Backend& backend, Graph graph, Extents extents, const ParameterMemory& parameters)
    : backend_(&backend),
      graph_(std::move(graph)),
      extents_(extents),
      parameters_(&parameters),
      plan_(plan_for(backend, graph_, extents)),
      arena_(backend.allocate(plan_.arena_bytes)),
      loss_(backend.allocate(sizeof(double))) {
  for (std::size_t v = 0; v < graph_.values.size(); ++v) {
    const Placement& place = plan_.values[v];
    binding_.values.push_back(place.bytes > 0 ? arena_.data() + place.offset : nullptr);
    binding_.shapes.push_back(shape_of(graph_.values[v], extents_));
  }
  for (std::size_t l = 0; l < graph_.layers.size(); ++l)
    binding_.layers.push_back(parameters.layer(static_cast<LayerId>(l)));
  binding_.loss = loss_.as<double>().data();
}

double Executor::loss() const {
  double loss = 0;
  backend_->download(std::as_writable_bytes(std::span(&loss, 1)), loss_.data());
  return loss;
}

void Executor::set_loss(double loss) {
  backend_->upload(loss_.data(), std::as_bytes(std::span(&loss, 1)));
}

void Executor::set(ValueId id, std::span<const float> host) {
  if (static_cast<std::ptrdiff_t>(host.size()) != shape(id).elements())
    throw Error(
        fmt::format("{} values do not fill '{}'", host.size(), graph_.values[static_cast<std::size_t>(id)].name));
  backend_->write(graph_.values[static_cast<std::size_t>(id)], shape(id), data(id), host);
}

std::vector<float> Executor::get(ValueId id) const {
  std::vector<float> host(static_cast<std::size_t>(shape(id).elements()));
  backend_->read(graph_.values[static_cast<std::size_t>(id)], shape(id), data(id), host);
  return host;
}

std::span<std::byte> Executor::span_of(const Placement& place) const {
  return {arena_.data() + place.offset, place.bytes};
}

void Executor::bind(std::size_t operation) {
  binding_.packed = span_of(plan_.packed[operation]);
  binding_.scratch = span_of(plan_.scratch[operation]);
}

void Executor::pack_if_changed() {
  const bool trains = graph_.target != kNone;
  if (!trains && packed_version_ == parameters_->version()) return;
  std::vector<std::span<std::byte>> packed;
  for (const Placement& place : plan_.packed) packed.push_back(span_of(place));
  backend_->pack(graph_, extents_, binding_, packed);
  packed_version_ = parameters_->version();
}

void Executor::run(const std::function<void(std::size_t)>& observe) {
  pack_if_changed();
  for (std::size_t i = 0; i < graph_.operations.size(); ++i) {
    bind(i);
    backend_->run(graph_.operations[i], binding_);
    if (observe) observe(i);
  }
}

}  // namespace n2s
