// Times whole steps and single operations of one benchmark case.
#include "tools/benchmark/bench_case.h"

#include <algorithm>
#include <chrono>
#include <memory>

#include "engine/graph/autograd.h"
#include "engine/graph/fusion.h"
#include "engine/graph/work.h"
#include "engine/runtime/executor.h"
#include "engine/runtime/repeated_work.h"
#include "engine/training/batches.h"
#include "kernels/base/philox.h"
#include "tools/clock.h"

namespace n2s {
namespace {

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

/// Random data: zeros and constants can be faster than real images.
void fill(Executor& executor, ValueId id, std::uint32_t item) {
  std::vector<float> values(static_cast<std::size_t>(executor.shape(id).elements()));
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = random_uniform({1, Purpose::test, 0, item, 0}, static_cast<std::uint32_t>(i)) - 0.5F;
  executor.set(id, values);
}

/// A synthetic dataset as large as a small study, so that caches hold as little of it as in practice.
std::vector<TrainingStack> synthetic_stacks(const Extents& extents) {
  constexpr int kPlanes = 64;
  const std::size_t pixels = static_cast<std::size_t>(extents.height) * static_cast<std::size_t>(extents.width);
  Stack stack{kPlanes, extents.height, extents.width, std::vector<float>(kPlanes * pixels)};
  std::uint32_t index = 0;
  for (float& voxel : stack.voxels) voxel = random_uniform({1, Purpose::test, 0, 2, 0}, index++) - 0.5F;
  return {{std::move(stack), std::nullopt, {}, {}}};
}

/// The paper's way to train the network: its augmentation and simulated noise.
BatchSettings synthetic_settings(const BenchCase& bench_case) {
  const Network& network = *bench_case.network;
  BatchSettings settings;
  settings.planes = bench_case.planes;
  settings.batch = bench_case.extents.batch;
  settings.augmentation.crop_height = bench_case.extents.height;
  settings.augmentation.crop_width = bench_case.extents.width;
  settings.augmentation.max_shift = network.max_shift;
  settings.augmentation.circular_shift = network.max_shift > 0;
  settings.augmentation.orientations = network.orientations;
  if (const std::string noise = network.paper_noise; !noise.empty())
    settings.noise = parse_noise(noise);
  else if (method_of(settings).needs_target)
    settings.noise = GaussianNoise{0.05};  // makes the second copy
  return settings;
}

/// Repeats the step of a training or inference run.
class Steps {
 public:
  Steps(const Device& device, const BenchCase& bench_case)
      : backend_(device.backend.get()),
        graph_(graph_of(bench_case)),
        parameters_(*device.backend, graph_.layers, bench_case.training),
        executor_(*device.backend, graph_, bench_case.extents, parameters_),
        training_(bench_case.training),
        step_(*device.backend) {
    parameters_.upload(ParameterMemory::Part::values, initial_parameters(graph_.layers, 1));
    if (!training_) return;
    stacks_ = synthetic_stacks(bench_case.extents);
    const BatchSettings settings = synthetic_settings(bench_case);
    batches_ = std::make_unique<StackBatches>(stacks_, settings, pool_);
    loader_ = device.batch_loader({stacks_, settings, *batches_, device.backend->free_bytes() / 2});
  }

  const Executor& executor() const { return executor_; }
  const Graph& graph() const { return graph_; }
  /// How the device builds a step's batches; empty: the host does, before the step.
  std::string batches() const { return loader_ ? loader_->description() : std::string(); }

  /// Selects the step's batch, which is not timed; in inference and on the CPU, fills in random values.
  void prepare() {
    ++count_;
    if (training_) backend_->set_adam_step({}, count_);
    if (!batches().empty()) return loader_->select(batch_step(), executor_);
    fill(executor_, graph_.input, 0);
    if (training_) fill(executor_, graph_.target, 1);
  }

  /// The operations one by one, each of them timed.
  std::vector<double> run_timed() {
    if (training_) loader_->load(executor_);
    std::vector<std::unique_ptr<Event>> events;
    events.push_back(backend_->record_event());
    executor_.run([&](std::size_t) { events.push_back(backend_->record_event()); });
    if (training_) update();
    std::vector<double> times;
    for (std::size_t i = 1; i < events.size(); ++i) times.push_back(backend_->milliseconds(*events[i - 1], *events[i]));
    return times;
  }

  /// A whole step, captured where the backend captures.
  void run() {
    step_.run([&] {
      if (training_) loader_->load(executor_);
      executor_.run();
      if (training_) update();
    });
    if (training_) parameters_.changed();
  }

 private:
  static Graph graph_of(const BenchCase& bench_case) {
    Graph graph = bench_case.network->build(bench_case.planes);
    if (bench_case.fusion) graph = fuse(std::move(graph));
    return bench_case.training ? differentiate(std::move(graph)) : graph;
  }
  BatchStep batch_step() const {
    return {static_cast<std::uint32_t>(count_ / batches_->steps_per_epoch()),
            static_cast<std::uint32_t>(count_ % batches_->steps_per_epoch())};
  }
  void update() {
    parameters_.adam(executor_.loss_data());
    parameters_.changed();
  }

  Backend* backend_;
  Graph graph_;
  ParameterMemory parameters_;
  Executor executor_;
  bool training_;
  ThreadPool pool_{1};
  std::vector<TrainingStack> stacks_;
  std::unique_ptr<StackBatches> batches_;
  std::unique_ptr<BatchLoader> loader_;
  RepeatedWork step_;
  long count_ = 0;
};

}  // namespace

CaseTime time_case(const Device& device, const BenchCase& bench_case, double seconds) {
  constexpr int kWarmUp = 2;
  constexpr std::size_t kFewest = 3;
  Steps steps(device, bench_case);
  const Graph& graph = steps.graph();
  std::vector<std::vector<double>> operations(graph.operations.size());
  std::vector<double> whole;
  const auto one_by_one = [&] {
    steps.prepare();
    const std::vector<double> times = steps.run_timed();
    for (std::size_t i = 0; i < times.size(); ++i) operations[i].push_back(times[i]);
  };
  const auto together = [&] {
    steps.prepare();
    const auto before = device.backend->record_event();
    steps.run();
    whole.push_back(device.backend->milliseconds(*before, *device.backend->record_event()));
  };
  for (int i = 0; i < kWarmUp; ++i) one_by_one();
  for (auto& list : operations) list.clear();
  for (int i = 0; i < kWarmUp; ++i) together();  // the first runs as it is, the second is captured
  whole.clear();
  for (const auto start = Clock::now(); whole.size() < kFewest || seconds_since(start) < 0.7 * seconds;) together();
  for (const auto start = Clock::now(); operations[0].size() < kFewest || seconds_since(start) < 0.3 * seconds;)
    one_by_one();

  CaseTime result;
  result.ms_per_plane = median(whole) / bench_case.extents.batch;
  result.gflop_per_plane = operations_of(graph, bench_case.extents) / 1e9 / bench_case.extents.batch;
  result.arena_bytes = steps.executor().plan().arena_bytes;
  result.batches = steps.batches();
  for (std::size_t i = 0; i < graph.operations.size(); ++i)
    result.operations.push_back({label(graph, graph.operations[i]), median(operations[i]),
                                 operations_of(graph, graph.operations[i], bench_case.extents) / 1e9});
  return result;
}

}  // namespace n2s
