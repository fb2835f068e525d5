// Builds the batch on the host and copies it into the executor before the step.
#include "engine/training/batch_loader.h"

namespace n2s {

void HostBatchLoader::select(const BatchStep& step, Executor& executor) {
  const Graph& graph = executor.graph();
  const Shape input = executor.shape(graph.input);
  const Shape target = executor.shape(graph.target);
  input_.resize(static_cast<std::size_t>(input.elements()));
  target_.resize(static_cast<std::size_t>(target.elements()));
  source_->fill(step, {input_.data(), input}, {target_.data(), target});
  executor.set(graph.input, input_);
  executor.set(graph.target, target_);
}

}  // namespace n2s
