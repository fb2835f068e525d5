// Mean squared error on the CPU: one partial sum per chunk of fixed size, added in order, so that the result does not
// depend on the number of threads.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "kernels/base/error.h"
#include "kernels/mse/mse.h"

namespace n2s {
namespace {

constexpr std::ptrdiff_t kChunk = 4096;  // elements per partial sum

}  // namespace

double mean_squared_error(ConstFloatTensor prediction, ConstFloatTensor target, FloatTensor gradient,
                          ThreadPool& pool) {
  const std::ptrdiff_t elements = prediction.shape.elements();
  if (elements == 0 || prediction.shape != target.shape || (gradient && gradient.shape != prediction.shape))
    throw Error("mean squared error: the shapes do not fit together");
  const std::ptrdiff_t chunks = (elements + kChunk - 1) / kChunk;
  std::vector<double> sums(static_cast<std::size_t>(chunks));
  const auto scale = static_cast<float>(2.0 / static_cast<double>(elements));
  pool.parallel_for(chunks, [&](std::ptrdiff_t chunk, int) {
    double sum = 0;
    for (std::ptrdiff_t i = chunk * kChunk; i < std::min(elements, (chunk + 1) * kChunk); ++i) {
      const float difference = prediction.data[i] - target.data[i];
      sum += double{difference} * double{difference};
      if (gradient) gradient.data[i] = scale * difference;
    }
    sums[static_cast<std::size_t>(chunk)] = sum;
  });
  return std::accumulate(sums.begin(), sums.end(), 0.0) / static_cast<double>(elements);
}

double masked_mean_squared_error(ConstFloatTensor prediction, ConstFloatTensor target, FloatTensor gradient,
                                 ThreadPool& pool) {
  const std::ptrdiff_t elements = prediction.shape.elements();
  if (elements == 0 || prediction.shape != target.shape || (gradient && gradient.shape != prediction.shape))
    throw Error("mean squared error: the shapes do not fit together");
  const auto count =
      elements - std::count_if(target.data, target.data + elements, [](float value) { return std::isnan(value); });
  const auto scale = count > 0 ? static_cast<float>(2.0 / static_cast<double>(count)) : 0.0F;
  const std::ptrdiff_t chunks = (elements + kChunk - 1) / kChunk;
  std::vector<double> sums(static_cast<std::size_t>(chunks));
  pool.parallel_for(chunks, [&](std::ptrdiff_t chunk, int) {
    double sum = 0;
    for (std::ptrdiff_t i = chunk * kChunk; i < std::min(elements, (chunk + 1) * kChunk); ++i) {
      const float difference = std::isnan(target.data[i]) ? 0.0F : prediction.data[i] - target.data[i];
      sum += double{difference} * double{difference};
      if (gradient) gradient.data[i] = scale * difference;
    }
    sums[static_cast<std::size_t>(chunk)] = sum;
  });
  return count > 0 ? std::accumulate(sums.begin(), sums.end(), 0.0) / static_cast<double>(count) : 0;
}

double mean_squared_error(ConstFloatTensor prediction, ConstFloatTensor target, ThreadPool& pool) {
  return mean_squared_error(prediction, target, FloatTensor{}, pool);
}

}  // namespace n2s
