#include "tools/bench_cell.h"

#include <algorithm>
#include <chrono>

#include "engine/autograd.h"
#include "engine/executor.h"
#include "engine/fusion.h"
#include "engine/work.h"
#include "kernels/base/philox.h"

namespace n2s {
namespace {

using Clock = std::chrono::steady_clock;

double milliseconds(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double, std::milli>(to - from).count();
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

/// Random data: zeros and constants can be faster than what a user has.
void fill(Executor& executor, ValueId id, std::uint32_t item) {
  std::vector<float> values(static_cast<std::size_t>(executor.shape(id).elements()));
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = random_uniform({1, Purpose::test, 0, item, 0}, static_cast<std::uint32_t>(i)) - 0.5F;
  executor.set(id, values);
}

}  // namespace

CellTime time_cell(Backend& backend, const BenchCell& cell, double seconds) {
  Graph graph = make_network(cell.network, cell.planes).graph;
  if (cell.fusion) graph = fuse(std::move(graph));
  if (cell.training) graph = differentiate(std::move(graph));
  ParameterMemory parameters(backend, graph.layers, cell.training);
  parameters.upload(ParameterMemory::Part::values, initial_parameters(graph.layers, 1));
  Executor executor(backend, graph, cell.extents, parameters);

  std::vector<std::vector<double>> times(graph.operations.size());
  std::vector<double> steps;
  const auto step = [&](long index) {
    fill(executor, graph.input, 0);  // input and target memory is reused within a step: they come anew each time
    if (cell.training) fill(executor, graph.target, 1);
    const auto start = Clock::now();
    auto before = start;
    executor.run([&](std::size_t operation) {
      const auto now = Clock::now();
      times[operation].push_back(milliseconds(before, now));
      before = now;
    });
    if (cell.training) parameters.adam({}, index);
    steps.push_back(milliseconds(start, Clock::now()));
  };
  step(1);
  step(2);
  steps.clear();
  for (auto& list : times) list.clear();
  const auto start = Clock::now();
  for (long index = 3; steps.size() < 3 || milliseconds(start, Clock::now()) < 1000 * seconds; ++index) step(index);

  CellTime result;
  result.ms_per_plane = median(steps) / cell.extents.batch;
  result.gflop_per_plane = operations_of(graph, cell.extents) / 1e9 / cell.extents.batch;
  result.arena_bytes = executor.plan().arena_bytes;
  for (std::size_t i = 0; i < graph.operations.size(); ++i)
    result.operations.push_back({label(graph, graph.operations[i]), median(times[i]),
                                 operations_of(graph, graph.operations[i], cell.extents) / 1e9});
  return result;
}

}  // namespace n2s
