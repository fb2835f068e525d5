// The Fourier transform on a GPU through cuFFT: plans, their shared work area, and error texts.
#include "kernels/fft/cuda.h"

#include <fmt/format.h>

#include <algorithm>

#include "kernels/device/check.h"
#include "kernels/fft/cufft.h"

namespace n2s::device {
namespace {

void check_cufft(int result, const char* what) {
  constexpr int kAllocationFailed = 2;
  constexpr int kInvalidSize = 8;
  if (result == 0) return;
  if (result == kAllocationFailed) throw Error(fmt::format("{}: out of GPU memory; use --device cpu", what));
  if (result == kInvalidSize)
    throw Error(fmt::format("{}: cuFFT does not support this image size; use --device cpu", what));
  throw Error(fmt::format("{}: cuFFT reports error {}", what, result));
}

/// RAII owner of a cuFFT plan without a work area of its own: work_in() sets one.
class Plan {
 public:
  Plan(const SpectrumShape& shape, int batch, CufftFunctions::Type type) {
    check_cufft(cufft().create(&plan_), "planning Fourier transforms");
    try {
      check_cufft(cufft().set_auto_allocation(plan_, 0), "planning Fourier transforms");
      int size[2]{shape.height, shape.width};
      check_cufft(cufft().make_plan_many(plan_, 2, size, nullptr, 1, 0, nullptr, 1, 0, type, batch, &work_bytes_),
                  "planning Fourier transforms");
    } catch (const Error&) {
      cufft().destroy(plan_);
      throw;
    }
  }
  ~Plan() { cufft().destroy(plan_); }
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;

  std::size_t work_bytes() const { return work_bytes_; }
  void work_in(void* memory) { check_cufft(cufft().set_work_area(plan_, memory), "planning Fourier transforms"); }
  CufftFunctions::Plan on(cudaStream_t stream) {
    check_cufft(cufft().set_stream(plan_, stream), "Fourier transform");
    return plan_;
  }

 private:
  CufftFunctions::Plan plan_ = 0;
  std::size_t work_bytes_ = 0;
};

struct Free {
  void operator()(void* memory) const { cudaFree(memory); }
};

}  // namespace

struct DeviceFft2d::Plans {
  SpectrumShape shape;
  int batch;
  Plan forward, inverse;
  std::size_t work_bytes = 0;
  std::unique_ptr<void, Free> work;

  Plans(const SpectrumShape& s, int b)
      : shape(s),
        batch(b),
        forward(s, b, CufftFunctions::real_to_complex),
        inverse(s, b, CufftFunctions::complex_to_real),
        work_bytes(std::max(forward.work_bytes(), inverse.work_bytes())) {
    if (work_bytes == 0) return;
    void* memory = nullptr;
    check(cudaMalloc(&memory, work_bytes), "work area of Fourier transforms");
    work.reset(memory);
    forward.work_in(memory);
    inverse.work_in(memory);
  }
};

DeviceFft2d::DeviceFft2d(int height, int width, int batch) {
  if (height < 1 || width < 1 || batch < 1) throw Error("a Fourier transform needs at least 1 pixel");
  plans_ = std::make_unique<Plans>(SpectrumShape{height, width}, batch);
}
DeviceFft2d::~DeviceFft2d() = default;
DeviceFft2d::DeviceFft2d(DeviceFft2d&&) noexcept = default;
DeviceFft2d& DeviceFft2d::operator=(DeviceFft2d&&) noexcept = default;

SpectrumShape DeviceFft2d::shape() const {
  return plans_->shape;
}
int DeviceFft2d::batch() const {
  return plans_->batch;
}
std::size_t DeviceFft2d::bytes() const {
  return plans_->work_bytes;
}

void DeviceFft2d::forward(const float* images, float2* spectra, cudaStream_t stream) {
  // cuFFT takes non-const pointers, but an out-of-place transform of real images does not change its input.
  auto* from = const_cast<float*>(images);  // NOLINT(cppcoreguidelines-pro-type-const-cast)
  check_cufft(cufft().forward(plans_->forward.on(stream), from, spectra), "Fourier transform");
}

void DeviceFft2d::inverse_unscaled(float2* spectra, float* images, cudaStream_t stream) {
  check_cufft(cufft().inverse(plans_->inverse.on(stream), spectra, images), "inverse Fourier transform");
}

void DeviceFft2d::inverse(float2* spectra, float* images, cudaStream_t stream) {
  inverse_unscaled(spectra, images, stream);
  const auto pixels = static_cast<std::size_t>(shape().height) * static_cast<std::size_t>(shape().width);
  scale(images, images, pixels * static_cast<std::size_t>(batch()), 1 / static_cast<float>(pixels), stream);
}

}  // namespace n2s::device
