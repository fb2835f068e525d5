// Restores a stack in memory with a model of libn2s, from C++: denoise MODEL
// find_package(n2s REQUIRED), target_link_libraries(... n2s::n2s)
#include <n2s.h>

#include <cstdio>
#include <memory>
#include <stdexcept>
#include <vector>

namespace {

void check(n2s_status status) {
  if (status != N2S_OK) throw std::runtime_error(n2s_last_error());
}

std::vector<float> denoise(const n2s_model& model, std::vector<float> noisy, int planes, int rows, int columns) {
  std::vector<float> restored(noisy.size());
  const n2s_array in = n2s_stack(noisy.data(), N2S_FLOAT32, planes, rows, columns);
  const n2s_array out = n2s_stack(restored.data(), N2S_FLOAT32, planes, rows, columns);
  check(n2s_denoise(&model, &in, &out, nullptr, nullptr));
  return restored;
}

}  // namespace

int main(int argc, char** argv) try {
  n2s_model* loaded = nullptr;
  check(n2s_model_load(argc > 1 ? argv[1] : "model.safetensors", &loaded));
  const std::unique_ptr<n2s_model, void (*)(n2s_model*)> model(loaded, n2s_model_destroy);
  std::vector<float> noisy(6 * 48 * 40);
  for (std::size_t i = 0; i < noisy.size(); ++i) noisy[i] = static_cast<float>(i * 7919 % 101);
  std::printf("first voxel: %g\n", static_cast<double>(denoise(*model, noisy, 6, 48, 40).front()));
} catch (const std::exception& error) {
  std::fprintf(stderr, "denoise: %s\n", error.what());
  return 1;
}
