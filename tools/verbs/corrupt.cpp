// Reads a file, adds noise to its stacks plane by plane, writes them.
#include "tools/verbs/corrupt.h"

#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "data/atomic_file.h"
#include "data/image_writer.h"
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
  for_each_part(file, [&](std::size_t stack, int first, Stack& planes) {
    check_finite(planes, file.name_of(stack), first);
    Stack noisy = planes;
    pool.parallel_for(planes.planes, [&](std::ptrdiff_t i, int) {
      plane_noise.corrupt(plane_of(planes, i),
                          plane_key(o.common.seed, copy_of(o), file.number_of(stack), first + static_cast<int>(i)),
                          plane_of(noisy, i));
    });
    output.write(stack, first, std::move(noisy.voxels));
  });
  output.finish();
  writer->commit();
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
}

void corrupt(const CorruptOptions& o) {
  const NoiseSpec noise = parse_noise(o.noise);
  check_image_extension(o.out);
  check_output_path(o.out, o.common.force);
  const OpenFile file = open_file(o.in, o.input);
  check_image_fits(o.out, result_header(file.image, file.selected), write_options(o));
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
