// Adam by definition: moments, bias correction and update of each parameter in double precision.
#include <cmath>

#include "kernels/adam/adam.h"

namespace n2s {

template <typename T>
void adam_reference(const AdamUpdate<T>& u) {
  const auto& s = u.settings;
  for (std::size_t i = 0; i < u.parameters.size(); ++i) {
    const double g = u.gradients[i];
    const double m = s.beta1 * u.first_moment[i] + (1 - s.beta1) * g;
    const double v = s.beta2 * u.second_moment[i] + (1 - s.beta2) * g * g;
    u.first_moment[i] = static_cast<T>(m);
    u.second_moment[i] = static_cast<T>(v);
    const double m_unbiased = m / (1 - std::pow(s.beta1, u.step));
    const double v_unbiased = v / (1 - std::pow(s.beta2, u.step));
    u.parameters[i] =
        static_cast<T>(u.parameters[i] - s.learning_rate * m_unbiased / (std::sqrt(v_unbiased) + s.epsilon));
  }
}

template void adam_reference(const AdamUpdate<float>&);
template void adam_reference(const AdamUpdate<double>&);

}  // namespace n2s
