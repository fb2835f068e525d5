// Adam on the CPU in single precision. The bias corrections are folded into two constants, and the compiler vectorises
// the loop.
#include <algorithm>
#include <cmath>

#include "kernels/adam/adam.h"
#include "kernels/base/error.h"

namespace n2s {
namespace {

constexpr std::ptrdiff_t kChunk = 16384;  // parameters per task

}  // namespace

void adam_cpu(const AdamUpdate<float>& u, ThreadPool& pool) {
  const std::size_t count = u.parameters.size();
  if (u.gradients.size() != count || u.first_moment.size() != count || u.second_moment.size() != count || u.step < 1)
    throw Error("adam: the lengths do not fit together");
  const auto& s = u.settings;
  const auto beta1 = static_cast<float>(s.beta1);
  const auto beta2 = static_cast<float>(s.beta2);
  const auto rest1 = static_cast<float>(1 - s.beta1);  // 1 - float(beta2) would have a relative error of 1e-5
  const auto rest2 = static_cast<float>(1 - s.beta2);
  const auto rate = static_cast<float>(s.learning_rate / (1 - std::pow(s.beta1, u.step)));
  const auto correction = static_cast<float>(1 / std::sqrt(1 - std::pow(s.beta2, u.step)));
  const auto epsilon = static_cast<float>(s.epsilon);
  const auto total = static_cast<std::ptrdiff_t>(count);
  pool.parallel_for((total + kChunk - 1) / kChunk, [&](std::ptrdiff_t chunk, int) {
    const auto begin = static_cast<std::size_t>(chunk * kChunk);
    const auto end = static_cast<std::size_t>(std::min(total, (chunk + 1) * kChunk));
    for (std::size_t i = begin; i < end; ++i) {
      const float g = u.gradients[i];
      const float m = beta1 * u.first_moment[i] + rest1 * g;
      const float v = beta2 * u.second_moment[i] + rest2 * g * g;
      u.first_moment[i] = m;
      u.second_moment[i] = v;
      u.parameters[i] -= rate * m / (std::sqrt(v) * correction + epsilon);
    }
  });
}

}  // namespace n2s
