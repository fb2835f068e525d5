// Ranks that train together, here as threads of one process: like one that computes whole batches.
#include "engine/runtime/ranks.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <barrier>
#include <cmath>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

#include "engine/cpu/cpu_backend.h"
#include "engine/graph/fusion.h"
#include "engine/training/batches.h"
#include "engine/training/trainer.h"
#include "nets/network.h"
#include "tests/kernels/random_image.h"
#include "tests/sanitized.h"

namespace n2s {
namespace {

constexpr long kSteps = test::kSanitized ? 4 : 20;

/// The memory that threads exchange values through.
struct Meeting {
  explicit Meeting(int count) : all_here(count), values(static_cast<std::size_t>(count)) {}
  std::barrier<> all_here;
  std::vector<std::vector<float>> values;
  std::span<std::byte> first;
};

class ThreadRank final : public Ranks {
 public:
  ThreadRank(Meeting& meeting, int rank) : meeting_(meeting), rank_(rank) {}
  int rank() const override { return rank_; }
  int count() const override { return static_cast<int>(meeting_.values.size()); }
  void sum(std::span<float> values) override {
    meeting_.values[static_cast<std::size_t>(rank_)].assign(values.begin(), values.end());
    meeting_.all_here.arrive_and_wait();
    std::fill(values.begin(), values.end(), 0.0F);
    for (const std::vector<float>& of_rank : meeting_.values)
      for (std::size_t i = 0; i < values.size(); ++i) values[i] += of_rank[i];
    meeting_.all_here.arrive_and_wait();
  }
  void broadcast(std::span<std::byte> bytes) override {
    if (rank_ == 0) meeting_.first = bytes;
    meeting_.all_here.arrive_and_wait();
    if (rank_ != 0) std::copy(meeting_.first.begin(), meeting_.first.end(), bytes.begin());
    meeting_.all_here.arrive_and_wait();
  }

 private:
  Meeting& meeting_;
  int rank_;
};

/// Smooth planes that resemble their neighbours: Adam moves a weight whose gradient is nothing but rounding as far as
/// any other, which in noise grows with every step.
std::vector<TrainingStack> stacks() {
  constexpr int kSide = 32;
  Stack stack{8, kSide, kSide, test::random_values(std::size_t{8} * kSide * kSide, 7)};
  for (std::size_t i = 0; i < stack.voxels.size(); ++i) {
    const double x = static_cast<double>(i % kSide) / kSide;
    const double y = static_cast<double>(i / kSide % kSide) / kSide;
    stack.voxels[i] = 0.05F * stack.voxels[i] + static_cast<float>(0.4 * std::sin(9 * x) * std::cos(7 * y));
  }
  std::vector<TrainingStack> result(1);
  result[0].source = std::move(stack);
  return result;
}

BatchSettings settings_for(const std::string& method) {
  BatchSettings settings;
  settings.method = method;
  settings.planes = method == "noise2void" ? 1 : 2;
  settings.batch = 5;
  settings.augmentation = {16, 16, 3, true, 0, true};
  settings.seed = 3;
  settings.noise = GaussianNoise{0.05};
  if (method == "noise2void") settings.blind_spots = training_method(method, 1).blind_spots;
  return settings;
}

struct Trained {
  std::vector<double> losses;
  std::vector<float> parameters;
};

Trained train(const std::string& method, const std::shared_ptr<Ranks>& ranks) {
  const std::vector<TrainingStack> data = stacks();
  const BatchSettings settings = settings_for(method);
  CpuBackend backend({.threads = 1});
  std::optional<BatchShare> share;
  if (ranks) share = share_of(settings.batch, ranks->rank(), ranks->count());
  StackBatches batches(data, settings, backend.pool(), share);
  TrainingSettings training;
  training.masked_loss = settings.blind_spots.has_value();
  training.ranks = ranks;
  training.schedule = Schedule::cosine_per_step;  // as the tools train for some steps, with a warm-up
  Trainer trainer(backend,
                  fuse(find_network(method == "noise2void" ? "blind-spot" : "microscopy").build(settings.planes)),
                  batches, {}, training);
  trainer.set_total_steps(kSteps);
  Trained result;
  while (!trainer.finished()) result.losses.push_back(trainer.step());
  result.parameters = trainer.parameters();
  return result;
}

std::vector<Trained> train_together(const std::string& method, int count) {
  Meeting meeting(count);
  std::vector<Trained> results(static_cast<std::size_t>(count));
  std::vector<std::jthread> threads;
  threads.reserve(static_cast<std::size_t>(count));
  for (int rank = 0; rank < count; ++rank)
    threads.emplace_back([&, rank] {
      results[static_cast<std::size_t>(rank)] = train(method, std::make_shared<ThreadRank>(meeting, rank));
    });
  threads.clear();  // joins
  return results;
}

TEST_CASE("shares cover a batch, and are as even as they can be") {
  for (const int count : {1, 2, 3, 4, 16}) {
    int next = 0;
    for (int rank = 0; rank < count; ++rank) {
      const BatchShare share = share_of(16, rank, count);
      CHECK(share.first == next);
      CHECK(std::abs(share.count - 16 / count) <= 1);
      next += share.count;
    }
    CHECK(next == 16);
  }
}

TEST_CASE("two ranks and four end where one does, with the same bits on each rank and in each run") {
  for (const char* method : {"noise2stack", "noise2void"}) {
    CAPTURE(std::string(method));
    const Trained alone = train(method, nullptr);
    for (const int count : {2, 4}) {
      CAPTURE(count);
      const std::vector<Trained> together = train_together(method, count);
      const std::vector<Trained> again = train_together(method, count);
      for (const Trained& rank : together) {
        CHECK(rank.losses == together.front().losses);
        CHECK(rank.parameters == together.front().parameters);
      }
      CHECK(again.front().parameters == together.front().parameters);
      double squares = 0;
      for (std::size_t i = 0; i < alone.parameters.size(); ++i)
        squares += std::pow(double{alone.parameters[i]} - double{together.front().parameters[i]}, 2);
      const double difference = std::sqrt(squares / static_cast<double>(alone.parameters.size()));
      MESSAGE(difference);
      CHECK(difference < 1e-5);
      for (std::size_t i = 0; i < alone.losses.size(); ++i)
        CHECK(together.front().losses[i] == doctest::Approx(alone.losses[i]).epsilon(1e-5));
    }
  }
}

}  // namespace
}  // namespace n2s
