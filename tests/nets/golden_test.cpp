// Both networks against PyTorch in float64: output, gradients, four losses and the parameters after four Adam steps.
// Weights, inputs and targets come from formulas, so nothing but the expected numbers is read. Every further
// *.safetensors in the folder named by N2S_GOLDEN is checked the same way.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "engine/autograd.h"
#include "engine/cpu_backend.h"
#include "engine/executor.h"
#include "engine/fusion.h"
#include "engine/safetensors.h"
#include "nets/network.h"

namespace n2s {
namespace {

double uniform(std::uint64_t parameter, std::uint64_t element) {
  std::uint64_t z = (parameter << 32) + element + 0x9E3779B97F4A7C15U;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
  z ^= z >> 31;
  return static_cast<double>(z >> 11) / 9007199254740992.0;
}

std::vector<float> golden_parameters(const std::vector<Layer>& layers) {
  const ParameterLayout layout = parameter_layout(layers);
  std::vector<float> values(layout.total);
  std::uint64_t parameter = 0;
  const auto fill = [&](const ParameterRange& range, double gain) {
    for (std::size_t i = 0; i < range.count; ++i)
      values[range.offset + i] = static_cast<float>(gain * (2 * uniform(parameter, i) - 1));
    ++parameter;
  };
  for (std::size_t l = 0; l < layers.size(); ++l) {
    fill(layout.layers[l].weight, std::sqrt(6.0 / (9.0 * layers[l].in_channels)));
    fill(layout.layers[l].bias, 0.05);
  }
  return values;
}

/// Values by a formula in row-major NCHW order, laid out as NHWC.
template <typename Formula>
std::vector<float> from_formula(const Shape& shape, Formula&& formula) {
  std::vector<float> values(static_cast<std::size_t>(shape.elements()));
  const FloatTensor view{values.data(), shape};
  std::int64_t i = 0;
  for (int n = 0; n < shape.batch; ++n)
    for (int c = 0; c < shape.channels; ++c)
      for (int y = 0; y < shape.height; ++y)
        for (int x = 0; x < shape.width; ++x)
          view.pixel(n, y, x)[c] = static_cast<float>(formula(static_cast<double>(i++)));
  return values;
}

/// Squared error over squared size. Of tensors with more than 128 elements the file may keep the first and last 64 only.
double nmse(const std::vector<float>& ours, const ParameterRange& range, const std::vector<double>& golden) {
  double error = 0;
  double size = 0;
  for (std::size_t i = 0; i < golden.size(); ++i) {
    const std::size_t skipped = i >= 64 ? range.count - golden.size() : 0;
    const double value = ours[range.offset + i + skipped];
    error += (value - golden[i]) * (value - golden[i]);
    size += golden[i] * golden[i];
  }
  return error / size;
}

template <typename Check>
void for_parameters(const std::vector<Layer>& layers, Check&& check) {
  const ParameterLayout layout = parameter_layout(layers);
  for (std::size_t l = 0; l < layers.size(); ++l) {
    check(layers[l].name + ".weight", layout.layers[l].weight);
    check(layers[l].name + ".bias", layout.layers[l].bias);
  }
}

double norm(const std::vector<double>& values) {
  double squares = 0;
  for (const double v : values) squares += v * v;
  return std::sqrt(squares);
}

/// Whether a golden gradient of up to 128 elements is the fourth step's instead of the first's: PyTorch hands out a view
/// of it and, depending on its version, goes on writing there. The first step's norm is stored apart and tells.
bool is_last_gradient(const TensorFile& golden, const std::string& name) {
  const std::vector<double> values = golden.at("grad." + name).as_double();
  const double first = golden.at("gradnorm." + name).as_double()[1];
  return values.size() < 128 && std::abs(norm(values) - first) > 1e-9 * first;
}

void check_last_gradients(const TensorFile& golden, const std::vector<Layer>& layers,
                          const std::vector<float>& gradients) {
  for_parameters(layers, [&](const std::string& name, const ParameterRange& range) {
    CAPTURE(name);
    // Three Adam steps lie in between, which amplify rounding: see the parameters' tolerance below.
    if (is_last_gradient(golden, name)) CHECK(nmse(gradients, range, golden.at("grad." + name).as_double()) <= 1e-5);
  });
}

void check_gradients(const TensorFile& golden, const std::vector<Layer>& layers, const std::vector<float>& gradients) {
  for_parameters(layers, [&](const std::string& name, const ParameterRange& range) {
    CAPTURE(name);
    if (!is_last_gradient(golden, name))
      CHECK(nmse(gradients, range, golden.at("grad." + name).as_double()) <= 1e-9);
    double sum = 0;
    double squares = 0;
    for (std::size_t i = 0; i < range.count; ++i) {
      const double g = gradients[range.offset + i];
      sum += g;
      squares += g * g;
    }
    const std::vector<double> expected = golden.at("gradnorm." + name).as_double();
    CHECK(std::sqrt(squares) == doctest::Approx(expected[1]).epsilon(1e-5));
    CHECK(std::abs(sum - expected[0]) <= 1e-4 * expected[1] * std::sqrt(static_cast<double>(range.count)));
  });
}

void check_golden(const std::string& path, bool fused) {
  CAPTURE(path);
  CAPTURE(fused);
  const TensorFile golden = read_safetensors(path);
  const auto number = [&](const char* key) { return std::stoi(golden.metadata.at(key)); };
  const std::string net = golden.metadata.at("net");
  const NetworkKind kind = net == "mri" ? NetworkKind::mri : NetworkKind::microscopy;
  Graph graph = make_network(kind, number("inputs")).graph;
  graph = differentiate(fused ? fuse(std::move(graph)) : std::move(graph));

  CpuBackend backend;
  ParameterMemory parameters(backend, graph.layers, true);
  parameters.upload(ParameterMemory::Part::values, golden_parameters(graph.layers));
  Executor step(backend, graph, {number("batch"), number("height"), number("width")}, parameters);
  const auto input = from_formula(step.shape(graph.input),
                                  [](double i) { return 0.5 * std::sin(0.013 * i) * std::cos(0.0007 * i); });
  const auto target =
      from_formula(step.shape(graph.target), [](double i) { return 0.5 * std::sin(0.011 * i + 0.4); });
  const std::vector<double> losses = golden.at("losses").as_double();
  REQUIRE(losses.size() == 4);
  for (int k = 0; k < 4; ++k) {
    step.set(graph.input, input);
    step.set(graph.target, target);
    step.run();
    CHECK(step.loss() == doctest::Approx(losses[static_cast<std::size_t>(k)]).epsilon(1e-4));
    if (k == 0) {
      const std::vector<float> output = step.get(graph.output);  // one channel: NHWC is NCHW
      CHECK(nmse(output, {0, output.size()}, golden.at("output").as_double()) <= 1e-9);
      check_gradients(golden, graph.layers, parameters.download(ParameterMemory::Part::gradients));
    }
    if (k == 3) check_last_gradients(golden, graph.layers, parameters.download(ParameterMemory::Part::gradients));
    parameters.adam({}, k + 1);
  }
  // Adam divides by the gradient's own size: entries near 0 may step either way in single precision, so the last
  // parameters agree less well than the gradients do.
  const std::vector<float> last = parameters.download(ParameterMemory::Part::values);
  for_parameters(graph.layers, [&](const std::string& name, const ParameterRange& range) {
    CAPTURE(name);
    CHECK(nmse(last, range, golden.at("step4." + name).as_double()) <= 1e-4);
  });
}

std::vector<std::string> golden_files() {
  std::vector<std::string> files;
  const char* more = std::getenv("N2S_GOLDEN");  // NOLINT(concurrency-mt-unsafe): nothing sets it
  for (const char* folder : {"tests/golden", more})
    if (folder != nullptr)
      for (const auto& entry : std::filesystem::directory_iterator(folder))
        if (entry.path().extension() == ".safetensors") files.push_back(entry.path().string());
  return files;
}

}  // namespace

TEST_CASE("both networks agree with PyTorch in float64") {
  const std::vector<std::string> files = golden_files();
  REQUIRE(files.size() >= 4);
  for (const std::string& file : files)
    for (const bool fused : {true, false}) check_golden(file, fused);
}

}  // namespace n2s
