// See filtered_file.h.
#include "tools/filters/filtered_file.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "data/atomic_file.h"
#include "data/extreme_values.h"
#include "data/image_writer.h"
#include "data/levels.h"
#include "kernels/base/error.h"
#include "tools/interrupt.h"
#include "tools/loaded_file.h"
#include "tools/measured_levels.h"
#include "tools/progress.h"
#include "tools/ranks/shared_work.h"
#include "tools/stack_stream.h"

namespace n2s {
namespace {

using Output = std::function<void(std::size_t stack, int first, std::vector<float> planes)>;

/// The planes [first, first + count) with hot pixels and NaN replaced, filtered, NaN put back.
std::vector<float> filtered(const PlanesToRead& planes, const StackFilter& filter, const BulkLevels& bulk, int first,
                            int count) {
  const int begin = std::max(0, first - filter.reach);
  const int end = std::min(planes.shape.planes, first + count + filter.reach);
  Stack noisy = planes.read(begin, end - begin);
  ExtremeValues replaced;
  replace_before_fit(noisy, "percentile", bulk, replaced);
  Stack restored = noisy;
  filter.run(noisy, restored.voxels);
  put_back(replaced, restored);
  const auto from = restored.voxels.begin() +
                    static_cast<std::ptrdiff_t>(first - begin) * static_cast<std::ptrdiff_t>(plane_pixels(noisy));
  return {from, from + static_cast<std::ptrdiff_t>(count) * static_cast<std::ptrdiff_t>(plane_pixels(noisy))};
}

void filter_stacks(const FilterRequest& request, const OpenFile& file, const Output& output) {
  Progress progress(std::filesystem::path(file.path).filename().string(), "planes", static_cast<long>(file.planes()),
                    request.common.quiet);
  long done = 0;
  for (std::size_t i = 0; i < file.selected.stacks.size(); ++i) {
    const PlanesToRead planes = planes_in_any_order(file, i);
    const StackFilter filter = request.filter_of(planes);
    const BulkLevels bulk = sampled_bulk_levels(planes);
    // Planes that are filtered together share the reading of their neighbours.
    const int step = filter.reach == 0 ? 1 : std::max(2 * filter.reach, 4);
    const auto count_from = [&](int first) { return std::min(step, planes.shape.planes - first); };
    const auto make = [&](std::size_t part) {
      if (interrupted()) throw Error("interrupted; nothing was written");
      const int first = static_cast<int>(part) * step;
      return filtered(planes, filter, bulk, first, count_from(first));
    };
    const auto take = [&](std::size_t part, std::vector<float> restored) {
      const int first = static_cast<int>(part) * step;
      output(i, first, std::move(restored));
      progress.update(done += count_from(first));
    };
    run_in_turn(request.ranks, {static_cast<std::size_t>((planes.shape.planes + step - 1) / step), make, take});
  }
}

}  // namespace

std::size_t filter_file(const FilterRequest& request) {
  const WriteOptions write = write_options(request.common, request.as_float);
  check_image_extension(request.out);
  check_output_path(request.out, request.common.force);
  const OpenFile file = open_file(request.in, request.input);
  check_image_fits(request.out, result_header(file.image, file.selected), write);
  describe_file(file, request.common);
  say_of_lost_orientation(file, request.out, request.common);
  warn_of_few_steps(file, request.out, write);
  const InterruptGuard guard;
  std::unique_ptr<ImageWriter> writer;
  if (is_first(request.ranks)) writer = create_image(request.out, result_header(file.image, file.selected), write);
  const bool streamed = writer && has_image_planes(file.image, file.selected) && comes_in_order(file, *writer);
  if (decided(request.ranks, streamed)) {
    std::optional<BackgroundWriter> output;
    if (writer) output.emplace(file, *writer);
    filter_stacks(request, file, [&](std::size_t stack, int first, std::vector<float> planes) {
      output->write(stack, first, std::move(planes));
    });
    if (output) output->finish();
    if (writer) writer->commit();
    return file.planes();
  }
  std::vector<Stack> restored;
  for (const StackSelection& selection : file.selected.stacks) restored.push_back(stack_shape(file.image, selection));
  filter_stacks(request, file, [&](std::size_t stack, int, const std::vector<float>& planes) {
    restored[stack].voxels.insert(restored[stack].voxels.end(), planes.begin(), planes.end());
  });
  if (!is_first(request.ranks)) return file.planes();
  write_uninterrupted(request.out, put_stacks(read_image(request.in, request.input.read), file.selected, restored),
                      write);
  return file.planes();
}

}  // namespace n2s
