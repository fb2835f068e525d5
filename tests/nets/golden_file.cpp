// Reads PyTorch's values from a golden file and measures deviations from them.
#include "golden_file.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <filesystem>

#include "kernels/base/tensor.h"

namespace n2s {
namespace {

/// splitmix64.
double uniform(std::uint64_t parameter, std::uint64_t element) {
  std::uint64_t z = (parameter << 32) + element + 0x9E3779B97F4A7C15U;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
  z ^= z >> 31;
  return static_cast<double>(z >> 11) / 9007199254740992.0;
}

/// Values by a formula in row-major NCHW order, laid out as NHWC.
template <typename Formula>
std::vector<double> from_formula(const Shape& shape, Formula&& formula) {
  std::vector<double> values(static_cast<std::size_t>(shape.elements()));
  const Tensor<double> view{values.data(), shape};
  std::int64_t i = 0;
  for (int n = 0; n < shape.batch; ++n)
    for (int c = 0; c < shape.channels; ++c)
      for (int y = 0; y < shape.height; ++y)
        for (int x = 0; x < shape.width; ++x) view.pixel(n, y, x)[c] = formula(static_cast<double>(i++));
  return values;
}

/// Of tensors with more than 128 elements the file may keep the first and the last 64 only.
Deviation deviation(const std::vector<double>& ours, const ParameterRange& range, const std::vector<double>& golden) {
  Deviation sum;
  for (std::size_t i = 0; i < golden.size(); ++i) {
    const std::size_t skipped = i >= 64 ? range.count - golden.size() : 0;
    const double error = ours[range.offset + i + skipped] - golden[i];
    sum += {error * error, golden[i] * golden[i]};
  }
  return sum;
}

}  // namespace

std::vector<std::string> golden_files() {
  std::vector<std::string> files;
  const char* more = std::getenv("N2S_GOLDEN");  // NOLINT(concurrency-mt-unsafe): nothing sets it
  for (const char* folder : {"tests/golden", more})
    if (folder != nullptr)
      for (const auto& entry : std::filesystem::directory_iterator(folder))
        if (entry.path().extension() == ".safetensors") files.push_back(entry.path().string());
  std::sort(files.begin(), files.end());
  return files;
}

Deviation& Deviation::operator+=(const Deviation& other) {
  error += other.error;
  size += other.size;
  return *this;
}

Golden::Golden(const std::string& path) : file_(read_safetensors(path)) {
  const std::vector<Layer> layers = graph().layers;
  const ParameterLayout layout = parameter_layout(layers);
  for (std::size_t l = 0; l < layers.size(); ++l) {
    tensors_.push_back({layers[l].name + ".weight", layout.layers[l].weight});
    tensors_.push_back({layers[l].name + ".bias", layout.layers[l].bias});
  }
}

Graph Golden::graph() const {
  const std::string net = file_.metadata.at("net");
  // Files made before the network had its current name call it "care", after the CARE architecture that it follows.
  return find_network(net == "care" ? "microscopy" : net).build(number("inputs"));
}

Extents Golden::extents() const {
  return {number("batch"), number("height"), number("width")};
}

std::vector<double> Golden::parameters() const {
  const std::vector<Layer> layers = graph().layers;
  std::vector<double> values(parameter_layout(layers).total);
  for (std::size_t t = 0; t < tensors_.size(); ++t) {  // a weight and a bias of each layer
    const Layer& layer = layers[t / 2];
    const double gain = t % 2 == 0 ? std::sqrt(6.0 / (9.0 * layer.in_channels)) : 0.05;
    const ParameterRange& range = tensors_[t].range;
    for (std::size_t i = 0; i < range.count; ++i) values[range.offset + i] = gain * (2 * uniform(t, i) - 1);
  }
  return values;
}

std::vector<double> Golden::input() const {
  return from_formula({number("batch"), number("height"), number("width"), number("inputs")},
                      [](double i) { return 0.5 * std::sin(0.013 * i) * std::cos(0.0007 * i); });
}

std::vector<double> Golden::target() const {
  return from_formula({number("batch"), number("height"), number("width"), 1},
                      [](double i) { return 0.5 * std::sin(0.011 * i + 0.4); });
}

bool Golden::is_last_gradient(const NamedRange& tensor) const {
  if (tensor.range.count > 128) return false;
  double squares = 0;
  for (const double g : file_.at("grad." + tensor.name).as_double()) squares += g * g;
  const double first = sum_and_norm(tensor.name)[1];
  return std::abs(std::sqrt(squares) - first) > 1e-9 * first;
}

Deviation Golden::output(const std::vector<double>& ours) const {
  // Every element is there, however many they are.
  return deviation(ours, {0, ours.size()}, file_.at("output").as_double());
}

Deviation Golden::part(const std::string& part, const NamedRange& tensor, const std::vector<double>& ours) const {
  return deviation(ours, tensor.range, file_.at(part + tensor.name).as_double());
}

}  // namespace n2s
