// cuFFT's functions on the emulated device, through the CPU's transforms: queued in streams and captured as the
// library's are, with its scaling, and as careless with what it transforms.
#include <cmath>
#include <complex>
#include <deque>
#include <map>
#include <memory>
#include <vector>

#include "kernels/base/error.h"
#include "kernels/fft/cufft.h"
#include "kernels/fft/fft.h"
#include "tests/cuda/emulated_library.h"

namespace n2s::device {
namespace {

constexpr int kInvalidPlan = 1;
constexpr int kFailed = 6;
constexpr std::size_t kWorkBytes = 512;

struct PlanState;
struct Transform {
  const PlanState* plan;
  float* images;
  std::complex<float>* spectra;
};

struct PlanState {
  std::unique_ptr<Fft2d> fft;
  CufftFunctions::Type type = CufftFunctions::real_to_complex;
  int batch = 0;
  void* work = nullptr;
  cudaStream_t stream = nullptr;
  std::deque<Transform> queued;  // stays: a graph may run it again
};

std::map<int, PlanState>& plans() {
  static std::map<int, PlanState> all;
  return all;
}

int with_plan(int plan, const auto& use) {
  return counted(kFailed, [&] { return plans().count(plan) > 0 ? use(plans().at(plan)) : kInvalidPlan; });
}

void run(void* data) {
  const Transform& t = *static_cast<const Transform*>(data);
  const SpectrumShape shape = t.plan->fft->shape();
  const std::size_t pixels = static_cast<std::size_t>(shape.height) * static_cast<std::size_t>(shape.width);
  const auto batch = static_cast<std::size_t>(t.plan->batch);
  for (std::size_t i = 0; i < batch; ++i) {
    const std::span image(t.images + i * pixels, pixels);
    const std::span spectrum(t.spectra + i * shape.size(), shape.size());
    if (t.plan->type == CufftFunctions::real_to_complex) {
      t.plan->fft->forward(image, spectrum);
      continue;
    }
    t.plan->fft->inverse(spectrum, image);
    for (float& value : image) value *= static_cast<float>(pixels);
    for (std::complex<float>& bin : spectrum) bin = {NAN, NAN};  // cuFFT may use its input as scratch memory
  }
}

int execute(int plan, CufftFunctions::Type type, float* images, float2* spectra) {
  Transform* transform = nullptr;
  const int result = with_plan(plan, [&](PlanState& state) {
    if (state.work == nullptr || state.type != type) return kInvalidPlan;
    state.queued.push_back({&state, images, reinterpret_cast<std::complex<float>*>(spectra)});  // NOLINT: same layout
    transform = &state.queued.back();
    return 0;
  });
  if (result != 0) return result;
  return cudaLaunchHostFunc(transform->plan->stream, run, transform) == cudaSuccess ? 0 : kFailed;
}

}  // namespace

CufftFunctions emulated_cufft() {
  CufftFunctions f;
  f.create = [](int* plan) {
    return counted(kFailed, [&] {
      *plan = plans().empty() ? 1 : plans().rbegin()->first + 1;
      plans()[*plan];
      return 0;
    });
  };
  f.destroy = [](int plan) {
    cudaDeviceSynchronize();  // queued transforms need the plan
    return plans().erase(plan) == 1 ? 0 : kInvalidPlan;
  };
  f.set_auto_allocation = [](int plan, int) { return with_plan(plan, [](PlanState&) { return 0; }); };
  f.make_plan_many = [](int plan, int, int* size, int*, int, int, int*, int, int, CufftFunctions::Type type, int batch,
                        std::size_t* work_bytes) {
    return with_plan(plan, [&](PlanState& state) {
      state.fft = std::make_unique<Fft2d>(size[0], size[1]);
      state.type = type;
      state.batch = batch;
      *work_bytes = kWorkBytes;
      return 0;
    });
  };
  f.set_work_area = [](int plan, void* work) {
    return with_plan(plan, [&](PlanState& state) {
      state.work = work;
      return 0;
    });
  };
  f.set_stream = [](int plan, cudaStream_t stream) {
    return with_plan(plan, [&](PlanState& state) {
      state.stream = stream;
      return 0;
    });
  };
  f.forward = [](int plan, float* images, float2* spectra) {
    return execute(plan, CufftFunctions::real_to_complex, images, spectra);
  };
  f.inverse = [](int plan, float2* spectra, float* images) {
    return execute(plan, CufftFunctions::complex_to_real, images, spectra);
  };
  return f;
}

}  // namespace n2s::device
