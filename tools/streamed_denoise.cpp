// See streamed_denoise.h.
#include "tools/streamed_denoise.h"

#include <fmt/format.h>

#include <algorithm>
#include <future>
#include <optional>

#include "kernels/base/error.h"
#include "kernels/base/host_memory.h"
#include "tools/interrupt.h"
#include "tools/ranks/shared_work.h"

namespace n2s {
namespace {

constexpr std::size_t kSlabBytes = std::size_t{32} << 20;  // of voxels, with the neighbours on both sides
constexpr int kFewest = 2;                                 // planes that a slab restores at least

/// Planes that are restored together, and those that are read for it.
struct Slab {
  int first = 0, count = 0;  // planes to restore
  int begin = 0, end = 0;    // planes to read: these and their neighbours
};

std::vector<Slab> slabs_of(const Stack& shape, int reach) {
  const std::size_t plane = static_cast<std::size_t>(shape.height) * static_cast<std::size_t>(shape.width) * 4;
  const int fitting = static_cast<int>(std::min<std::size_t>(kSlabBytes / plane, 1 << 20)) - 2 * reach;
  const int step = std::max(kFewest, fitting);
  std::vector<Slab> slabs;
  for (int first = 0; first < shape.planes; first += step) {
    const int count = std::min(step, shape.planes - first);
    slabs.push_back({first, count, std::max(0, first - reach), std::min(shape.planes, first + count + reach)});
  }
  return slabs;
}

/// Keeps the frequencies of the input that were measured.
void keep_measured(const StreamedDenoising& job, std::size_t stack, const Slab& slab, const Stack& noisy,
                   Stack& restored) {
  const PlaneNoise noise(*job.measured, noisy.height, noisy.width);
  job.pool.parallel_for(slab.count, [&](std::ptrdiff_t i, int) {
    const int plane = slab.first + static_cast<int>(i);
    noise.restore_measured(plane_of(noisy, plane - slab.begin),
                           plane_key(job.seed, Purpose::noise_input, job.file.number_of(stack), plane),
                           plane_of(restored, plane - slab.begin));
  });
}

class StackJob {
 public:
  StackJob(const StreamedDenoising& job, std::size_t stack, ImageWriter* writer)
      : job_(job),
        stack_(stack),
        writer_(writer),
        denoiser_(model_for(job.models, job.file, stack), *job.device.inference),
        shape_(stack_shape(job.file.image, job.file.selected.stacks[stack])) {}

  /// `before`: planes of other stacks that are done.
  SeenStack run(long before) {
    const LoadedModel& model = model_for(job_.models, job_.file, stack_);
    levels_ = measure_levels(job_.file, stack_, model.normalisation.kind,
                             job_.given_levels ? std::optional(model.normalisation) : std::nullopt);
    const std::vector<Slab> slabs = slabs_of(shape_, model.planes / 2 + model.gap);
    std::optional<BackgroundWriter> output;
    if (writer_ != nullptr) output.emplace(job_.file, *writer_);
    const std::size_t own = job_.ranks == nullptr ? 0 : static_cast<std::size_t>(job_.ranks->rank());
    const std::size_t step = job_.ranks == nullptr ? 1 : static_cast<std::size_t>(job_.ranks->count());
    std::future<Stack> next;
    if (own < slabs.size()) next = read(slabs[own]);
    const auto make = [&](std::size_t i) {
      Stack noisy = next.get();
      if (i + step < slabs.size()) next = read(slabs[i + step]);
      if (interrupted()) throw Error("interrupted; nothing was written");
      return restore(slabs[i], std::move(noisy), before);
    };
    const auto take = [&](std::size_t i, std::vector<float> restored) {
      if (job_.restored) job_.restored(stack_, slabs[i].first, restored);
      output->write(stack_, slabs[i].first, std::move(restored));
    };
    run_in_turn(job_.ranks, {slabs.size(), make, take});
    if (output) output->finish();
    levels_.replaced.limited = total(job_.ranks, levels_.replaced.limited);
    return {Stack{shape_.planes, shape_.height, shape_.width, {}}, levels_.levels.normalisation, levels_.replaced};
  }

 private:
  std::future<Stack> read(const Slab& slab) const {
    return std::async(std::launch::async,
                      [this, slab] { return read_planes(job_.file, stack_, slab.begin, slab.end - slab.begin); });
  }

  /// The slab's planes without their neighbours.
  std::vector<float> restore(const Slab& slab, Stack noisy, long before) {
    const bool keeps_noisy = job_.measured.has_value();
    const Stack original = keeps_noisy ? noisy : Stack{};
    const ExtremeValues replaced = replace_extremes(noisy, levels_.levels);
    levels_.replaced.limited += limited_in(slab, replaced);
    InferenceOptions inference = job_.inference;
    inference.targets = {slab.first - slab.begin, slab.count};
    if (job_.progress) inference.progress = [&](long done, long) { job_.progress(before + slab.first + done); };
    Stack restored = denoiser_.restore(noisy, levels_.levels.normalisation, inference);
    check_plausible({levels_.low, levels_.high}, levels_.levels.normalisation, targets(slab, restored));
    put_back(replaced, restored);
    if (keeps_noisy) keep_measured(job_, stack_, slab, original, restored);
    const std::span<const float> result = targets(slab, restored);
    return {result.begin(), result.end()};
  }

  /// Neighbours are counted with the slab that restores them.
  std::size_t limited_in(const Slab& slab, const ExtremeValues& replaced) const {
    const std::size_t pixels = static_cast<std::size_t>(shape_.height) * static_cast<std::size_t>(shape_.width);
    const std::size_t first = static_cast<std::size_t>(slab.first - slab.begin) * pixels;
    const std::size_t end = first + static_cast<std::size_t>(slab.count) * pixels;
    return static_cast<std::size_t>(
        std::count_if(replaced.kept.begin(), replaced.kept.end(), [&](const VoxelValue& voxel) {
          return voxel.index >= first && voxel.index < end && std::isfinite(voxel.value);
        }));
  }

  static std::span<const float> targets(const Slab& slab, const Stack& restored) {
    const std::size_t pixels = plane_pixels(restored);
    return std::span(restored.voxels)
        .subspan(static_cast<std::size_t>(slab.first - slab.begin) * pixels,
                 static_cast<std::size_t>(slab.count) * pixels);
  }

  const StreamedDenoising& job_;
  std::size_t stack_;
  ImageWriter* writer_;
  Denoiser denoiser_;
  Stack shape_;
  MeasuredLevels levels_;
};

}  // namespace

std::size_t activation_memory(const CommonOptions& common) {
  constexpr std::size_t kOnCpu = std::size_t{256} << 20;
  std::string why_cpu;
  return chosen_gpu(common, why_cpu) ? 0 : std::min(kOnCpu, available_memory() / 4);
}

std::vector<SeenStack> denoise_streamed(const StreamedDenoising& job, ImageWriter* writer) {
  std::vector<SeenStack> seen;
  long done = 0;
  for (std::size_t i = 0; i < job.file.selected.stacks.size(); ++i) {
    seen.push_back(StackJob(job, i, writer).run(done));
    done += seen.back().stack.planes;
  }
  if (writer != nullptr) writer->commit();
  return seen;
}

}  // namespace n2s
