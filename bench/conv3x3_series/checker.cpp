// See checker.h.
#include "bench/conv3x3_series/checker.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <functional>
#include <limits>
#include <memory>
#include <vector>

#include "kernels/device/check.h"

namespace n2s::series {
namespace {

using device::check;

/// Device memory with a copy of values, or of NaN.
template <typename T>
class Memory {
 public:
  explicit Memory(const std::vector<T>& values) : count_(values.size()) {
    check(cudaMalloc(&data_, count_ * sizeof(T)), "allocation");
    check(cudaMemcpy(data_, values.data(), count_ * sizeof(T), cudaMemcpyHostToDevice), "copy");
  }
  explicit Memory(std::size_t count) : Memory(std::vector<T>(count, T(std::numeric_limits<float>::quiet_NaN()))) {}
  ~Memory() { cudaFree(data_); }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  T* data() const { return static_cast<T*>(data_); }
  std::vector<T> read() const {
    std::vector<T> values(count_);
    check(cudaMemcpy(values.data(), data_, count_ * sizeof(T), cudaMemcpyDeviceToHost), "copy");
    return values;
  }

 private:
  void* data_ = nullptr;
  std::size_t count_;
};

/// The same on every machine, in -1 to 1, with few bits, so that fp16 holds them.
std::vector<float> values(std::size_t count, unsigned seed) {
  std::vector<float> result;
  result.reserve(count);
  unsigned state = seed * 2654435761U + 1;
  for (std::size_t i = 0; i < count; ++i) {
    state = state * 1664525U + 1013904223U;
    result.push_back(static_cast<float>(static_cast<int>(state >> 24U) - 128) / 128);
  }
  return result;
}

std::vector<__half> in_fp16(const std::vector<float>& from) {
  std::vector<__half> result;
  result.reserve(from.size());
  for (const float value : from) result.push_back(__float2half(value));
  return result;
}

std::size_t size(std::initializer_list<int> factors) {
  std::size_t product = 1;
  for (const int factor : factors) product *= static_cast<std::size_t>(factor);
  return product;
}

/// A problem, and the memory that it points to.
struct Held {
  explicit Held(const Shape& s)
      : image(values(size({s.images, s.height / s.doubling, s.width / s.doubling, s.inputs}), 1)),
        weight(values(size({9, s.inputs, s.outputs}), 2)),
        bias(values(size({s.outputs}), 3)),
        image_memory(image),
        weight_memory(weight),
        bias_memory(bias),
        image16(in_fp16(image)),
        weight16(in_fp16(weight)),
        out(size({s.images, s.height, s.width, s.outputs})),
        pooled(size({s.images, s.height / 2, s.width / 2, s.outputs})),
        scratch(size({16, s.inputs, s.outputs})) {
    problem = {s.images,
               s.height,
               s.width,
               s.inputs,
               s.outputs,
               s.doubling,
               image_memory.data(),
               weight_memory.data(),
               image16.data(),
               weight16.data(),
               bias_memory.data(),
               0.25F,
               out.data(),
               pooled.data(),
               scratch.data()};
  }
  std::vector<float> image, weight, bias;
  Memory<float> image_memory, weight_memory, bias_memory;
  Memory<__half> image16, weight16;
  Memory<float> out, pooled, scratch;
  Problem problem;
};

struct HeldWeightGradient {
  explicit HeldWeightGradient(const Shape& s)
      : image(values(size({s.images, s.height, s.width, s.inputs}), 4)),
        gradient(values(size({s.images, s.height, s.width, s.outputs}), 5)),
        image_memory(image),
        gradient_memory(gradient),
        sums(size({9, s.inputs, s.outputs})),
        scratch(size({9 * kSlices, s.inputs, s.outputs})) {
    problem = {s.images,    s.height,      s.width, s.inputs, s.outputs, image_memory.data(), gradient_memory.data(),
               sums.data(), scratch.data()};
  }
  std::vector<float> image, gradient;
  Memory<float> image_memory, gradient_memory, sums, scratch;
  WeightGradientProblem problem;
};

/// Of one output value.
double by_definition(const Held& h, int n, int y, int x, int o) {
  const Problem& p = h.problem;
  double sum = h.bias[static_cast<std::size_t>(o)];
  for (int ky = 0; ky < 3; ++ky)
    for (int kx = 0; kx < 3; ++kx) {
      const int yy = y + ky - 1;
      const int xx = x + kx - 1;
      if (yy < 0 || yy >= p.height || xx < 0 || xx >= p.width) continue;
      const int pixel = (n * (p.height / p.doubling) + yy / p.doubling) * (p.width / p.doubling) + xx / p.doubling;
      for (int c = 0; c < p.inputs; ++c)
        sum += double{h.image[size({pixel, p.inputs}) + static_cast<std::size_t>(c)]} *
               double{h.weight[size({(3 * ky + kx) * p.inputs + c, p.outputs}) + static_cast<std::size_t>(o)]};
    }
  return sum < 0 ? sum * double{p.slope} : sum;
}

/// Of one value of the weight gradient.
double by_definition(const HeldWeightGradient& h, int tap, int c, int o) {
  const WeightGradientProblem& p = h.problem;
  double sum = 0;
  for (int n = 0; n < p.images; ++n)
    for (int y = 0; y < p.height; ++y)
      for (int x = 0; x < p.width; ++x) {
        const int yy = y + tap / 3 - 1;
        const int xx = x + tap % 3 - 1;
        if (yy < 0 || yy >= p.height || xx < 0 || xx >= p.width) continue;
        sum += double{h.image[size({(n * p.height + yy) * p.width + xx, p.inputs}) + static_cast<std::size_t>(c)]} *
               double{h.gradient[size({(n * p.height + y) * p.width + x, p.outputs}) + static_cast<std::size_t>(o)]};
      }
  return sum;
}

/// Compares values that come one by one.
class Comparison {
 public:
  void see(float found, double expected) {
    if (!std::isfinite(found)) largest_error_ = std::numeric_limits<double>::infinity();
    largest_error_ = std::max(largest_error_, std::abs(double{found} - expected));
    largest_ = std::max(largest_, std::abs(expected));
  }
  double result() const { return largest_error_ / largest_; }

 private:
  double largest_error_ = 0, largest_ = 0;
};

double median_milliseconds(const std::function<void()>& run) {
  using Clock = std::chrono::steady_clock;
  const auto once = [&] {
    const auto before = Clock::now();
    run();
    check(cudaDeviceSynchronize(), "a kernel");
    return std::chrono::duration<double, std::milli>(Clock::now() - before).count();
  };
  once();
  std::vector<double> times;
  double sum = 0;
  while (times.size() < 5 || sum < 500) {
    times.push_back(once());
    sum += times.back();
  }
  std::nth_element(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2), times.end());
  return times[times.size() / 2];
}

}  // namespace

double error_of(const Step& step, const Shape& shape) {
  const Held held(shape);
  const Problem& p = held.problem;
  step.run(p, nullptr);
  check(cudaDeviceSynchronize(), step.name);
  const std::vector<float> out = held.out.read();
  const std::vector<float> pooled = held.pooled.read();
  Comparison comparison;
  for (int n = 0; n < p.images; ++n)
    for (int y = 0; y < p.height; y += 2)
      for (int x = 0; x < p.width; x += 2)
        for (int o = 0; o < p.outputs; ++o) {
          double most = -std::numeric_limits<double>::infinity();
          for (int i = 0; i < 4; ++i) {
            const double expected = by_definition(held, n, y + i / 2, x + i % 2, o);
            const int pixel = (n * p.height + y + i / 2) * p.width + x + i % 2;
            comparison.see(out[size({pixel, p.outputs}) + static_cast<std::size_t>(o)], expected);
            most = std::max(most, expected);
          }
          const int window = (n * (p.height / 2) + y / 2) * (p.width / 2) + x / 2;
          comparison.see(pooled[size({window, p.outputs}) + static_cast<std::size_t>(o)], most);
        }
  return comparison.result();
}

double error_of(const WeightGradientStep& step, const Shape& shape) {
  const HeldWeightGradient held(shape);
  step.run(held.problem, nullptr);
  check(cudaDeviceSynchronize(), step.name);
  const std::vector<float> found = held.sums.read();
  Comparison comparison;
  std::size_t i = 0;
  for (int tap = 0; tap < 9; ++tap)
    for (int c = 0; c < shape.inputs; ++c)
      for (int o = 0; o < shape.outputs; ++o) comparison.see(found[i++], by_definition(held, tap, c, o));
  return comparison.result();
}

double allowed_error(const Step& step) {
  return step.has_tensor_cores ? 1e-3 : 1e-6;
}

void run_once(const Step& step, const Shape& shape) {
  const Held held(shape);
  step.run(held.problem, nullptr);
  check(cudaDeviceSynchronize(), step.name);
}

void run_once(const WeightGradientStep& step, const Shape& shape) {
  const HeldWeightGradient held(shape);
  step.run(held.problem, nullptr);
  check(cudaDeviceSynchronize(), step.name);
}

double milliseconds(const Step& step, const Shape& shape) {
  const Held held(shape);
  return median_milliseconds([&] { step.run(held.problem, nullptr); });
}

double milliseconds(const WeightGradientStep& step, const Shape& shape) {
  const HeldWeightGradient held(shape);
  return median_milliseconds([&] { step.run(held.problem, nullptr); });
}

}  // namespace n2s::series
