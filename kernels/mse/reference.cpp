// The mean squared error by definition, in double precision: what the tests compare the CPU and the GPU with.
#include "kernels/mse/mse.h"

namespace n2s {

double mean_squared_error_reference(std::span<const double> prediction, std::span<const double> target,
                                    std::span<double> gradient) {
  const auto count = static_cast<double>(prediction.size());
  double sum = 0;
  for (std::size_t i = 0; i < prediction.size(); ++i) {
    const double difference = prediction[i] - target[i];
    sum += difference * difference;
    gradient[i] = 2 * difference / count;
  }
  return sum / count;
}

}  // namespace n2s
