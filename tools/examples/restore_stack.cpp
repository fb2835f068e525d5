// Restores a noisy stack with the library, learning from the stack alone: restore_stack IN OUT [STEPS]
#include <cstdio>
#include <string>

#include "data/image.h"
#include "data/stack.h"
#include "engine/devices/device.h"
#include "engine/graph/fusion.h"
#include "engine/graph/receptive_field.h"
#include "engine/inference/inference.h"
#include "engine/training/batches.h"
#include "engine/training/trainer.h"
#include "kernels/base/error.h"
#include "nets/network.h"

using namespace n2s;

void restore(const std::string& in, const std::string& out, long steps) {
  const Image image = read_image(in);
  const StackSelection selection = select_stack(image);
  const Stack noisy = take_stack(image, selection);

  BatchSettings settings;  // Noise2Stack: each plane is predicted from its 4 neighbours
  settings.batch = 4;
  settings.augmentation = {.crop_height = 64, .crop_width = 64, .orientations = true};
  settings.normalisation = fit_normalisation({&noisy}, {.kind = "percentile"});
  Stack normalised = noisy;
  apply_normalisation(settings.normalisation, normalised.voxels);
  const std::vector<TrainingStack> stacks{{normalised, {}, {}}};

  const Device device = open_cpu();
  const Graph network = fuse(find_network("microscopy").build(settings.planes));
  ThreadPool pool;
  StackBatches batches(stacks, settings, pool);
  Trainer trainer(*device.backend, network, batches, {}, {});
  trainer.set_total_steps(steps);
  while (!trainer.finished()) trainer.step();

  InferenceOptions options;
  options.normalisation = settings.normalisation;
  const InferenceNetwork trained{&network, receptive_radius(network)};
  const Stack restored = restore_stack(*device.inference, trained, trainer.memory(), noisy, options);
  write_image(out, put_stack(image, selection, restored));
}

int main(int argc, char** argv) {
  try {
    if (argc < 3) throw Error("usage: restore_stack IN OUT [STEPS]");
    restore(argv[1], argv[2], argc > 3 ? std::stol(argv[3]) : 200);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "restore_stack: %s\n", error.what());
    return 1;
  }
}
