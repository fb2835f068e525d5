// The unfused operations by definition, in double precision: what the tests compare the CPU and the GPU with. Gradients
// that several outputs contribute to are summed over the outputs, where the fast versions gather over the inputs.
#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include "kernels/unfused/unfused.h"

namespace n2s::unfused {
namespace {

/// Calls visit(n, y, x, c) for every element.
template <typename Visit>
void for_elements(const Shape& shape, Visit&& visit) {
  for (int n = 0; n < shape.batch; ++n)
    for (int y = 0; y < shape.height; ++y)
      for (int x = 0; x < shape.width; ++x)
        for (int c = 0; c < shape.channels; ++c) visit(n, y, x, c);
}

/// A gradient before it goes to its target: zeros to begin with.
struct Gradient {
  explicit Gradient(const Shape& s) : shape(s), values(static_cast<std::size_t>(s.elements())) {}
  double& at(int n, int y, int x, int c) { return Tensor<double>{values.data(), shape}.pixel(n, y, x)[c]; }

  /// Through the derivative of the activation that made the tensor, if there was one; then stored or added.
  void write(const ConvGradientTarget& to) const {
    const Tensor<double> target = to.gradient.as<double>();
    const Tensor<const double> activated = to.activated.as<double>();
    for (std::size_t i = 0; i < values.size(); ++i) {
      const double slope = !activated || activated.data[i] > 0 ? 1 : to.slope;
      target.data[i] = slope * values[i] + (to.accumulate ? target.data[i] : 0);
    }
  }

  Shape shape;
  std::vector<double> values;
};

/// Of the first largest value of a 2x2 window, which is cut at the far edges.
struct Place {
  int y, x;
};
Place largest_of(Tensor<const double> in, int n, int top, int left, int channel) {
  std::vector<Place> places;
  for (const auto& [dy, dx] : {std::pair{0, 0}, std::pair{0, 1}, std::pair{1, 0}, std::pair{1, 1}})
    if (top + dy < in.shape.height && left + dx < in.shape.width) places.push_back({top + dy, left + dx});
  return *std::max_element(places.begin(), places.end(), [&](const Place& a, const Place& b) {
    return in.pixel(n, a.y, a.x)[channel] < in.pixel(n, b.y, b.x)[channel];
  });
}

}  // namespace

void activation_reference(Tensor<const double> in, double slope, Tensor<double> out) {
  for_elements(in.shape, [&](int n, int y, int x, int c) {
    const double value = in.pixel(n, y, x)[c];
    out.pixel(n, y, x)[c] = value > 0 ? value : slope * value;
  });
}

void activation_gradient_reference(Tensor<const double> output_gradient, Tensor<const double> activated, double slope,
                                   const ConvGradientTarget& to) {
  Gradient gradient(output_gradient.shape);
  for_elements(gradient.shape, [&](int n, int y, int x, int c) {
    gradient.at(n, y, x, c) = output_gradient.pixel(n, y, x)[c] * (activated.pixel(n, y, x)[c] > 0 ? 1 : slope);
  });
  gradient.write(to);
}

void maxpool2_reference(Tensor<const double> in, Tensor<double> out, Tensor<std::uint8_t> argmax) {
  for_elements(out.shape, [&](int n, int y, int x, int c) {
    const double window[]{in.pixel(n, 2 * y, 2 * x)[c], in.pixel(n, 2 * y, 2 * x + 1)[c],
                          in.pixel(n, 2 * y + 1, 2 * x)[c], in.pixel(n, 2 * y + 1, 2 * x + 1)[c]};
    const double* largest = std::max_element(std::begin(window), std::end(window));  // the first of equals
    out.pixel(n, y, x)[c] = *largest;
    if (argmax) argmax.pixel(n, y, x)[c] = static_cast<std::uint8_t>(largest - window);
  });
}

void maxpool2_gradient_reference(Tensor<const double> output_gradient, Tensor<const std::uint8_t> argmax,
                                 const ConvGradientTarget& to) {
  Gradient gradient(to.gradient.shape);
  for_elements(output_gradient.shape, [&](int n, int y, int x, int c) {
    const int position = argmax.pixel(n, y, x)[c];
    gradient.at(n, 2 * y + position / 2, 2 * x + position % 2, c) = output_gradient.pixel(n, y, x)[c];
  });
  gradient.write(to);
}

void blurpool2_reference(Tensor<const double> in, Tensor<double> out) {
  const double taps[]{0.25, 0.5, 0.25};
  for_elements(out.shape, [&](int n, int y, int x, int c) {
    double sum = 0;
    for (int i = -1; i <= 1; ++i)
      for (int j = -1; j <= 1; ++j) {
        const Place largest = largest_of(in, n, std::max(0, 2 * y + i), std::max(0, 2 * x + j), c);
        sum += taps[i + 1] * taps[j + 1] * in.pixel(n, largest.y, largest.x)[c];
      }
    out.pixel(n, y, x)[c] = sum;
  });
}

void blurpool2_gradient_reference(Tensor<const double> output_gradient, Tensor<const double> in,
                                  const ConvGradientTarget& to) {
  const double taps[]{0.25, 0.5, 0.25};
  Gradient gradient(to.gradient.shape);
  for_elements(output_gradient.shape, [&](int n, int y, int x, int c) {
    for (int i = -1; i <= 1; ++i)
      for (int j = -1; j <= 1; ++j) {
        const Place largest = largest_of(in, n, std::max(0, 2 * y + i), std::max(0, 2 * x + j), c);
        gradient.at(n, largest.y, largest.x, c) += taps[i + 1] * taps[j + 1] * output_gradient.pixel(n, y, x)[c];
      }
  });
  gradient.write(to);
}

void upsample2_reference(Tensor<const double> in, Tensor<double> out) {
  for_elements(out.shape, [&](int n, int y, int x, int c) { out.pixel(n, y, x)[c] = in.pixel(n, y / 2, x / 2)[c]; });
}

void upsample2_gradient_reference(Tensor<const double> output_gradient, const ConvGradientTarget& to) {
  Gradient gradient(to.gradient.shape);
  for_elements(output_gradient.shape, [&](int n, int y, int x, int c) {
    gradient.at(n, y / 2, x / 2, c) += output_gradient.pixel(n, y, x)[c];
  });
  gradient.write(to);
}

void concat_reference(Tensor<const double> first, Tensor<const double> second, Tensor<double> out) {
  for_elements(out.shape, [&](int n, int y, int x, int c) {
    const bool of_first = c < first.shape.channels;
    out.pixel(n, y, x)[c] = of_first ? first.pixel(n, y, x)[c] : second.pixel(n, y, x)[c - first.shape.channels];
  });
}

void concat_gradient_reference(Tensor<const double> output_gradient, const ConvGradientTarget& first,
                               const ConvGradientTarget& second, int first_channels) {
  for (const auto& [target, first_channel] : {std::pair{&first, 0}, std::pair{&second, first_channels}}) {
    if (!target->gradient) continue;
    Gradient gradient(target->gradient.shape);
    for_elements(gradient.shape, [&, begin = first_channel](int n, int y, int x, int c) {
      gradient.at(n, y, x, c) = output_gradient.pixel(n, y, x)[begin + c];
    });
    gradient.write(*target);
  }
}

void add_plane_reference(Tensor<const double> in, Tensor<const double> source, int channel, Tensor<double> out) {
  for_elements(in.shape, [&](int n, int y, int x, int c) {
    out.pixel(n, y, x)[c] = in.pixel(n, y, x)[c] + source.pixel(n, y, x)[channel];
  });
}

void copy_gradient_reference(Tensor<const double> output_gradient, const ConvGradientTarget& to) {
  Gradient gradient(output_gradient.shape);
  for_elements(gradient.shape,
               [&](int n, int y, int x, int c) { gradient.at(n, y, x, c) = output_gradient.pixel(n, y, x)[c]; });
  gradient.write(to);
}

}  // namespace n2s::unfused
