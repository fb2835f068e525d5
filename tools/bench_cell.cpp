#include "tools/bench_cell.h"

#include <algorithm>
#include <chrono>
#include <memory>

#include "engine/graph/autograd.h"
#include "engine/graph/fusion.h"
#include "engine/graph/work.h"
#include "engine/runtime/executor.h"
#include "engine/training/batches.h"
#include "kernels/base/philox.h"

namespace n2s {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
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

/// Synthetic stacks to draw a resident data set's batches from: as large as a small study, for what caches matter.
std::vector<TrainingStack> synthetic_stacks(const Extents& extents) {
  constexpr int kPlanes = 64;
  const std::size_t pixels = static_cast<std::size_t>(extents.height) * static_cast<std::size_t>(extents.width);
  std::vector<TrainingStack> stacks(1);
  stacks[0].source = {kPlanes, extents.height, extents.width, std::vector<float>(kPlanes * pixels)};
  std::uint32_t index = 0;
  for (float& voxel : stacks[0].source.voxels) voxel = random_uniform({1, Purpose::test, 0, 2, 0}, index++) - 0.5F;
  return stacks;
}

/// How the paper trains the network: MRI by undersampling afresh and shifting, microscopy by rotating and flipping.
BatchSettings synthetic_settings(const BenchCell& cell) {
  BatchSettings settings;
  settings.planes = cell.planes;
  settings.batch = cell.extents.batch;
  settings.augmentation.crop_height = cell.extents.height;
  settings.augmentation.crop_width = cell.extents.width;
  if (cell.network == NetworkKind::mri) {
    settings.augmentation.max_shift = 64;
    settings.augmentation.circular_shift = true;
    settings.noise = KspaceNoise{0.1};
  } else {
    settings.method = Method::noise2stack;
    settings.augmentation.orientations = true;
    if (cell.planes % 2 != 0) settings.noise = GaussianNoise{0.05};
  }
  return settings;
}

/// One step as a training or a denoising runs it, over and over.
class Steps {
 public:
  Steps(Backend& backend, const BenchCell& cell)
      : backend_(&backend),
        graph_(graph_of(cell)),
        parameters_(backend, graph_.layers, cell.training),
        executor_(backend, graph_, cell.extents, parameters_),
        training_(cell.training) {
    parameters_.upload(ParameterMemory::Part::values, initial_parameters(graph_.layers, 1));
    if (!training_) return;
    stacks_ = synthetic_stacks(cell.extents);
    host_ = std::make_unique<StackBatches>(stacks_, synthetic_settings(cell), pool_);
    host_->move_to_device(backend, backend.free_bytes() / 2);
  }

  const Executor& executor() const { return executor_; }
  const Graph& graph() const { return graph_; }
  /// Where a step's batches come from; empty: they are there before it.
  std::string batches() const { return on_device() != nullptr ? on_device()->description() : std::string(); }

  /// Brings input and target, whose memory is used for other values as well within a step.
  void prepare() {
    ++count_;
    if (on_device() != nullptr)
      return on_device()->prepare(count_ / host_->steps_per_epoch(), count_ % host_->steps_per_epoch());
    fill(executor_, graph_.input, 0);
    if (training_) fill(executor_, graph_.target, 1);
  }

  /// The operations one by one, each of them timed.
  std::vector<double> run_timed() {
    if (on_device() != nullptr) on_device()->enqueue(executor_.data(graph_.input), executor_.data(graph_.target));
    std::vector<std::unique_ptr<Moment>> moments;
    moments.push_back(backend_->mark());
    executor_.run([&](std::size_t) { moments.push_back(backend_->mark()); });
    if (training_) update();
    std::vector<double> times;
    for (std::size_t i = 1; i < moments.size(); ++i)
      times.push_back(backend_->milliseconds(*moments[i - 1], *moments[i]));
    return times;
  }

  /// A whole step, recorded where the backend records.
  void run() {
    if (!backend_->records()) return work();
    if (training_) backend_->prepare_adam({}, count_);
    if (!recorded_) recorded_ = backend_->record([&] { work(); });
    recorded_->run();
  }

 private:
  static Graph graph_of(const BenchCell& cell) {
    Graph graph = make_network(cell.network, cell.planes).graph;
    if (cell.fusion) graph = fuse(std::move(graph));
    return cell.training ? differentiate(std::move(graph)) : graph;
  }
  DeviceBatchSource* on_device() const { return host_ ? host_->on_device() : nullptr; }
  void update() { parameters_.adam({}, count_); }
  void work() {
    if (on_device() != nullptr) on_device()->enqueue(executor_.data(graph_.input), executor_.data(graph_.target));
    if (training_) executor_.expect_change();
    executor_.run();
    if (training_) update();
  }

  Backend* backend_;
  Graph graph_;
  ParameterMemory parameters_;
  Executor executor_;
  bool training_;
  ThreadPool pool_{1};
  std::vector<TrainingStack> stacks_;
  std::unique_ptr<StackBatches> host_;
  std::unique_ptr<Recording> recorded_;
  long count_ = 0;
};

}  // namespace

CellTime time_cell(Backend& backend, const BenchCell& cell, double seconds) {
  constexpr int kWarmUp = 2;
  constexpr std::size_t kFewest = 3;
  Steps steps(backend, cell);
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
    const auto before = backend.mark();
    steps.run();
    whole.push_back(backend.milliseconds(*before, *backend.mark()));
  };
  for (int i = 0; i < kWarmUp; ++i) one_by_one();
  for (auto& list : operations) list.clear();
  together();
  whole.clear();
  for (const auto start = Clock::now(); whole.size() < kFewest || seconds_since(start) < 0.7 * seconds;) together();
  for (const auto start = Clock::now(); operations[0].size() < kFewest || seconds_since(start) < 0.3 * seconds;)
    one_by_one();

  CellTime result;
  result.ms_per_plane = median(whole) / cell.extents.batch;
  result.gflop_per_plane = operations_of(graph, cell.extents) / 1e9 / cell.extents.batch;
  result.arena_bytes = steps.executor().plan().arena_bytes;
  result.batches = steps.batches();
  for (std::size_t i = 0; i < graph.operations.size(); ++i)
    result.operations.push_back({label(graph, graph.operations[i]), median(operations[i]),
                                 operations_of(graph, graph.operations[i], cell.extents) / 1e9});
  return result;
}

}  // namespace n2s
