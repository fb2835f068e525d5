// Plans a batch on the device from counter-based random numbers, then gathers, corrupts and crops its planes.
#include "engine/training/cuda/device_batches.h"

#include <algorithm>

#include "kernels/base/error.h"
#include "kernels/blind_spot/cuda.h"
#include "kernels/device/check.h"

namespace n2s::device {
namespace {

std::size_t size_of(int count) {
  return static_cast<std::size_t>(count);
}

std::optional<PixelNoise> noise_of_pixels(const BatchSettings& settings) {
  return settings.noise ? pixel_noise(*settings.noise) : std::nullopt;
}

/// Planes of a sample that may get noise.
int noisy_planes(const BatchSettings& settings, const std::vector<TrainingStack>& stacks) {
  const bool targets = method_of(settings).target != TargetOf::clean_source &&
                       std::any_of(stacks.begin(), stacks.end(), [](const TrainingStack& s) { return !s.target; });
  return settings.planes + (targets ? 1 : 0);
}

}  // namespace

DeviceBatches::DeviceBatches(const std::vector<TrainingStack>& stacks, const BatchSettings& settings, std::size_t limit,
                             cudaStream_t stream)
    : DeviceBatches(stacks, training_targets(stacks, settings), settings, limit, stream) {}

DeviceBatches::DeviceBatches(const std::vector<TrainingStack>& stacks, const std::vector<PlaneOfStack>& targets,
                             const BatchSettings& settings, std::size_t limit, cudaStream_t stream)
    : settings_(settings),
      pixel_noise_(noise_of_pixels(settings)),
      budget_(limit),
      targets_(static_cast<std::uint32_t>(targets.size())),
      stacks_(stacks, targets, settings, budget_, stream),
      samples_(budget_.array<PlannedSample>(size_of(settings.batch))),
      planes_(budget_.array<PlannedPlane>(size_of(settings.batch) * size_of(settings.planes + 1))),
      step_(budget_.array<BatchStep>(1)),
      order_(budget_.array<std::uint32_t>(targets.size())) {
  if (in_frequency_space(settings)) make_undersampling(stacks, stream);
  for (Order& order : orders_) {
    order.numbers = pinned_array<std::uint32_t>(targets.size());
    order.copied = cuda_event();
  }
  select({}, stream);
  cuda_wait(stream, "batches on the GPU");
}

void DeviceBatches::make_undersampling(const std::vector<TrainingStack>& stacks, cudaStream_t stream) {
  corrupted_planes_ = noisy_planes(settings_, stacks);
  const int planes = settings_.batch * corrupted_planes_;
  const int height = stacks_.height();
  const int width = stacks_.width();
  const std::size_t pixels = size_of(planes) * size_of(height) * size_of(width);
  const std::size_t bins = size_of(planes) * SpectrumShape{height, width}.size();
  const auto rate = std::get<KspaceNoise>(*settings_.noise).rate;
  const std::vector<float> keep_probability = kspace_sampling(height, width, rate).keep_probability;
  try {
    undersampling_.emplace(Undersampling{
        DeviceFft2d(height, width, planes), budget_.array<float>(keep_probability.size()),
        budget_.array<KspacePlane>(size_of(planes)), budget_.array<float2>(bins), budget_.array<float>(pixels)});
  } catch (const NotResident&) {
    throw;
  } catch (const Error& error) {
    throw NotResident(error.what());
  }
  budget_.take(undersampling_->fft.bytes());
  cuda_upload(undersampling_->keep_probability.get(), std::as_bytes(std::span(keep_probability)), stream,
              "batches on the GPU");
  // The first transform may load code, which cannot be captured.
  check(cudaMemsetAsync(undersampling_->spectra.get(), 0, bins * sizeof(float2), stream), "batches on the GPU");
  undersampling_->fft.inverse_unscaled(undersampling_->spectra.get(), undersampling_->pixels.get(), stream);
  cuda_wait(stream, "batches on the GPU");
}

long DeviceBatches::steps_per_epoch() const {
  return (static_cast<long>(targets_) + settings_.batch - 1) / settings_.batch;
}

Extents DeviceBatches::extents() const {
  return {settings_.batch, settings_.augmentation.crop_height, settings_.augmentation.crop_width};
}

void DeviceBatches::load(const DeviceTensor& input, const DeviceTensor& target, Precision precision,
                         cudaStream_t stream) {
  const Extents e = extents();
  if (input.shape != Shape{e.batch, e.height, e.width, settings_.planes} ||
      target.shape != Shape{e.batch, e.height, e.width, 1})
    throw Error("batches on the GPU: the sizes do not fit together");
  ResidentSet set = stacks_.set();
  set.order = order_.get();
  const BatchRules rules{settings_.batch,
                         settings_.planes,
                         settings_.augmentation,
                         settings_.seed,
                         settings_.noise.has_value(),
                         method_of(settings_).target};
  BatchPlan plan{samples_.get(), planes_.get(), nullptr, nullptr, 0};
  if (undersampling_) {
    plan.corrupted = undersampling_->planes.get();
    plan.corrupted_pixels = undersampling_->pixels.get();
    plan.corrupted_planes = corrupted_planes_;
  }
  plan_batch(set, rules, step_.get(), plan, stream);
  if (undersampling_) {
    Undersampling& u = *undersampling_;
    kspace_weight({stacks_.height(), stacks_.width(), u.keep_probability.get()}, u.planes.get(), u.fft.batch(),
                  u.spectra.get(), stream);
    u.fft.inverse_unscaled(u.spectra.get(), u.pixels.get(), stream);
  }
  DeviceGather gather{samples_.get(),
                      planes_.get(),
                      settings_.planes + 1,
                      settings_.augmentation,
                      pixel_noise_,
                      {settings_.normalisation.scale, settings_.normalisation.offset},
                      input};
  gather_planes(gather, precision, stream);
  gather.planes += settings_.planes;
  gather.out = target;
  gather_planes(gather, precision, stream);
  if (settings_.blind_spots)
    hide_pixels({*settings_.blind_spots, settings_.seed, step_.get(), input, settings_.planes / 2, target}, precision,
                stream);
}

void DeviceBatches::select(const BatchStep& step, cudaStream_t stream) {
  if (step.epoch != epoch_) upload_order(step.epoch, stream);
  epoch_ = step.epoch;
  set_batch_step(step, step_.get(), stream);
}

void DeviceBatches::upload_order(std::uint32_t epoch, cudaStream_t stream) {
  latest_order_ = 1 - latest_order_;
  Order& order = orders_[latest_order_];
  check(cudaEventSynchronize(order.copied.get()), "batches on the GPU");
  const std::vector<std::uint32_t> numbers = shuffled(targets_, order_key(settings_.seed, epoch));
  std::copy(numbers.begin(), numbers.end(), order.numbers.get());
  check(cudaMemcpyAsync(order_.get(), order.numbers.get(), numbers.size() * sizeof(std::uint32_t),
                        cudaMemcpyHostToDevice, stream),
        "batches on the GPU");
  check(cudaEventRecord(order.copied.get(), stream), "batches on the GPU");
}

}  // namespace n2s::device
