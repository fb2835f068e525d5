// Reads a file, adds noise to its stacks plane by plane, writes them.
#include "tools/verbs/corrupt.h"

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "data/atomic_file.h"
#include "engine/training/plane_noise.h"
#include "tools/common.h"
#include "tools/json_output.h"
#include "tools/loaded_file.h"

namespace n2s {
namespace {

struct CorruptOptions {
  CommonOptions common;
  InputOptions input;
  std::string in, out, noise;
  bool second = false, keep_type = false;
};

void corrupt(const CorruptOptions& o) {
  const NoiseSpec noise = parse_noise(o.noise);
  check_image_extension(o.out);
  check_output_path(o.out, o.common.force);
  const LoadedFile file = load_file(o.in, o.input, o.common);
  check_image_fits(o.out, file.result_axes(), o.keep_type ? file.image.type : SampleType::float32);
  ThreadPool pool(o.common.threads);
  const Purpose copy = o.second ? Purpose::noise_target : Purpose::noise_input;
  std::vector<Stack> noisy;
  for (std::size_t i = 0; i < file.stacks.size(); ++i)
    noisy.push_back(corrupt_stack(noise, file.stacks[i], o.common.seed, copy, file.number_of(i), pool));
  WriteOptions write;
  write.overwrite = o.common.force;
  if (!o.keep_type) write.type = SampleType::float32;
  write_image(o.out, file.with(noisy), write);
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
