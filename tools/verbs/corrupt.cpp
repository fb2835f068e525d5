// Reads a file, adds noise to its stacks plane by plane, writes them.
#include "tools/verbs/corrupt.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "data/atomic_file.h"
#include "data/image_writer.h"
#include "data/samples.h"
#include "engine/training/plane_noise.h"
#include "tools/common.h"
#include "tools/doubtful_noise.h"
#include "tools/interrupt.h"
#include "tools/json_output.h"
#include "tools/loaded_file.h"
#include "tools/measured_levels.h"
#include "tools/stack_stream.h"

namespace n2s {
namespace {

struct CorruptOptions {
  CommonOptions common;
  InputOptions input;
  std::string in, out, noise;
  bool second = false, keep_type = false;
};

Purpose copy_of(const CorruptOptions& o) {
  return o.second ? Purpose::noise_target : Purpose::noise_input;
}

WriteOptions write_options(const CorruptOptions& o) {
  return write_options(o.common, !o.keep_type);
}

void warn_of_noise(const FileStacks& file, const NoiseSpec& noise, std::span<const float> plane) {
  warn_of_doubtful_level(file.path, noise, plane);
  warn_of_negative_light(file.path, noise, plane);
}

/// Noisy values that the output's integers cannot hold, which makes the noise another one.
class ClippedValues {
 public:
  ClippedValues(const CorruptOptions& o, const FileStacks& file)
      : out_(o.out), type_(written_type(o.out, result_header(file.image, file.selected), write_options(o))) {
    if (!is_integer(type_)) return;
    const double half = std::abs(file.image.slope) / 2;  // is rounded away
    const std::array<double, 2> range = integer_range(type_);
    for (const double stored : range) {
      const double value = stored * file.image.slope + file.image.intercept;
      low_ = std::min(low_, value - half);
      high_ = std::max(high_, value + half);
    }
  }

  void count(std::span<const float> noisy) {
    if (!is_integer(type_)) return;
    all_ += static_cast<double>(noisy.size());
    clipped_ += static_cast<double>(
        std::count_if(noisy.begin(), noisy.end(), [&](float value) { return value < low_ || value > high_; }));
  }

  void warn_of_them() const {
    constexpr double kShare = 0.01;
    if (clipped_ > kShare * all_)
      warn(
          "{}: {:.0f} % of the noisy values are outside what {} holds and were cut off, so that the noise has another "
          "mean; leave out --keep-type",
          out_, 100 * clipped_ / all_, sample_type_name(type_));
  }

 private:
  std::string out_;
  SampleType type_;
  double low_ = std::numeric_limits<double>::max(), high_ = std::numeric_limits<double>::lowest();
  double all_ = 0, clipped_ = 0;
};

/// A few planes at a time. False, and nothing done, where they do not come in the order of the output.
bool corrupt_large(const CorruptOptions& o, const NoiseSpec& noise, const OpenFile& file, ThreadPool& pool) {
  const InterruptGuard guard;
  const std::unique_ptr<ImageWriter> writer =
      create_image(o.out, result_header(file.image, file.selected), write_options(o));
  if (!comes_in_order(file, *writer)) return false;
  describe_file(file, o.common, "; read and written a few planes at a time");
  const PlanesToRead clean = planes_to_read(file, 0);
  warn_of_noise(file, noise, clean.read(clean.shape.planes / 2, 1).voxels);
  BackgroundWriter output(file, *writer);
  const Stack shape = stack_shape(file.image, file.selected.stacks.front());
  const PlaneNoise plane_noise(noise, shape.height, shape.width);
  ClippedValues clipped(o, file);
  for_each_part(file, [&](std::size_t stack, int first, Stack& planes) {
    check_finite(planes, file.name_of(stack), first);
    Stack noisy = planes;
    pool.parallel_for(planes.planes, [&](std::ptrdiff_t i, int) {
      plane_noise.corrupt(plane_of(planes, i),
                          plane_key(o.common.seed, copy_of(o), file.number_of(stack), first + static_cast<int>(i)),
                          plane_of(noisy, i));
    });
    clipped.count(noisy.voxels);
    output.write(stack, first, std::move(noisy.voxels));
  });
  output.finish();
  writer->commit();
  clipped.warn_of_them();
  return true;
}

void corrupt_in_memory(const CorruptOptions& o, const NoiseSpec& noise, ThreadPool& pool) {
  const LoadedFile file = load_file(o.in, o.input, o.common);
  const Stack& first = file.stacks.front();
  warn_of_noise(file, noise, plane_of(first, first.planes / 2));
  std::vector<Stack> noisy;
  for (std::size_t i = 0; i < file.stacks.size(); ++i)
    noisy.push_back(corrupt_stack(noise, file.stacks[i], o.common.seed, copy_of(o), file.number_of(i), pool));
  write_uninterrupted(o.out, file.with(noisy), write_options(o));
  ClippedValues clipped(o, file);
  for (const Stack& stack : noisy) clipped.count(stack.voxels);
  clipped.warn_of_them();
}

void corrupt(const CorruptOptions& o) {
  const NoiseSpec noise = parse_noise(o.noise);
  check_image_extension(o.out);
  check_output_path(o.out, o.common.force);
  const OpenFile file = open_file(o.in, o.input);
  check_image_fits(o.out, result_header(file.image, file.selected), write_options(o));
  say_of_lost_orientation(file, o.out, o.common);
  ThreadPool pool(o.common.threads);
  if (!is_large(file) || !corrupt_large(o, noise, file, pool)) corrupt_in_memory(o, noise, pool);
  if (o.common.json) print_json({{"output", o.out}, {"noise", describe(noise)}, {"seed", o.common.seed}});
  say(o.common, "{}: {} with seed {}{}", o.out, describe(noise), o.common.seed, o.second ? ", second copy" : "");
}

}  // namespace

void add_corrupt(Program& program) {
  auto options = std::make_shared<CorruptOptions>();
  Verb verb = program.add_verb("corrupt", "Add simulated noise to a clean stack");
  verb.option("IN", options->in, "The clean stack").required();
  add_output_option(verb, options->out, "The noisy stack");
  verb.option("--noise", options->noise,
              "kspace:RATE (keep this share of the frequencies), gaussian:SIGMA or poisson:GAIN[,gaussian:SIGMA]")
      .required();
  verb.flag("--second-copy", options->second, "Draw the second of two independent noisy copies with the same seed");
  verb.flag("--keep-type", options->keep_type, "Write the input's sample type instead of float32");
  add_input_options(verb, options->input);
  add_common_options(verb, options->common);
  verb.footer("Example: n2s corrupt brain.nii.gz -o noisy.nii.gz --noise kspace:0.1 --seed 7");
  verb.on_run([options] { corrupt(*options); });
}

}  // namespace n2s
