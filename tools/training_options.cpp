#include "tools/training_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "kernels/base/error.h"
#include "tools/measuring.h"

namespace n2s {

namespace {

/// CLI11's own message for a number that is too small names the largest double, all 309 digits of it.
CLI::Validator at_least(double limit, bool strictly, const std::string& name) {
  const auto check = [=](const std::string& text) {
    double value = 0;
    const bool good = CLI::detail::lexical_cast(text, value) && (strictly ? value > limit : value >= limit);
    return good ? std::string() : fmt::format("{} is not {}", text, strictly ? "above 0" : "0 or more");
  };
  return {check, name};
}

}  // namespace

void add_training_options(CLI::App& verb, TrainingOptions& o) {
  const CLI::Validator positive = at_least(0, true, "POSITIVE");
  const CLI::Validator not_negative = at_least(0, false, "NONNEGATIVE");
  const std::string group = "Training";
  verb.add_option("--net", o.network, "Network: mri or microscopy (default: mri for NIfTI files, else microscopy)")
      ->group(group);
  verb.add_option(
          "--method", o.method,
          "noise2stack (even --planes: self-supervised; odd: with a second noisy copy), noise2noise, noise2clean")
      ->capture_default_str()
      ->group(group);
  verb.add_option("--planes", o.planes, "Input planes of the network (default: 4; shorter stacks: 2)")
      ->check(positive)
      ->group(group);
  verb.add_option("--gap", o.gap, "Planes left out next to the target, where neighbours share noise")
      ->check(not_negative)
      ->capture_default_str()
      ->group(group);
  verb.add_option("--batch", o.batch, "Images in a training step")
      ->check(positive)
      ->capture_default_str()
      ->group(group);
  verb.add_option("--crop", o.crop, "Side of the training images, pixels")->check(positive)->group(group);
  auto* length = verb.add_option_group("Length", "How long to train: one of");
  length->add_option("--epochs", o.length.epochs, "Times that every plane is seen")->check(positive);
  length->add_option("--steps", o.length.steps, "Training steps")->check(positive);
  length->add_option("--minutes", o.length.minutes, "Minutes; the number of steps that fit is measured")
      ->check(positive);
  length->require_option(0, 1);
  verb.add_option("--learning-rate", o.learning_rate, "First learning rate; it falls along a cosine")
      ->check(positive)
      ->capture_default_str()
      ->group(group);
  verb.add_option("--normalise", o.normalisation,
                  "range (by the maximum, to -0.5..0.5), percentile (3, 99.8), mean-std or none (default: by network)")
      ->group(group);
  verb.add_option("--noise", o.noise,
                  "The data are clean: simulate kspace:RATE, gaussian:SIGMA or poisson:GAIN[,gaussian:SIGMA]")
      ->group(group);
  verb.add_flag("--fixed-noise", o.fixed_noise, "Simulate it once instead of afresh at every visit")->group(group);
  verb.add_option("--max-shift", o.max_shift,
                  "Random shifts down and right, pixels (default: up to 64 for whole MRI planes)")
      ->check(not_negative)
      ->group(group);
  verb.add_flag("--flips", o.orientations, "Random flips and rotations by 90 degrees")->group(group);
  verb.add_option("--validation-planes", o.held_out, "Planes of each stack that are not trained on (default: 1 in 25)")
      ->check(not_negative)
      ->group(group);
  verb.add_flag("--no-fusion", o.no_fusion, "Run the plain operations one by one (slow; for debugging)")->group(group);
  verb.add_flag("--resume", o.resume, "Go on where an interrupted run stopped")->group(group);
}

std::set<int> held_out_planes(int depth, int wanted) {
  constexpr int kShort = 20;  // planes; every one of a shorter stack is worth more as a target
  if (wanted < 0) wanted = depth < kShort ? 0 : std::max(1, depth / 25);
  if (wanted >= depth)
    throw Error(fmt::format("{} of {} planes cannot be held out: none would be left", wanted, depth));
  std::set<int> planes;
  for (int i = 0; i < wanted; ++i) planes.insert((2 * i + 1) * depth / (2 * wanted));
  return planes;
}

NetworkKind choose_network(const std::string& wish, bool is_nifti) {
  if (!wish.empty()) return network_kind(wish);
  return is_nifti ? NetworkKind::mri : NetworkKind::microscopy;
}

int choose_planes(const TrainingOptions& options, int shortest_stack, bool has_target) {
  if (options.planes > 0) return options.planes;
  const Method method = parse_method(options.method);
  if (method == Method::noise2noise) return 1;
  const int neighbours = shortest_stack >= 5 ? 4 : 2;
  const bool sees_target = has_target || method == Method::noise2clean;
  return sees_target ? neighbours + 1 : neighbours;
}

NormalisationOptions choose_normalisation(const std::string& wish, NetworkKind network) {
  NormalisationOptions options;
  options.kind = !wish.empty() ? wish : network == NetworkKind::mri ? "range" : "percentile";
  return options;
}

TrainingRequest prepare_training(const TrainingOptions& o, NetworkKind network, const CommonOptions& common,
                                 std::vector<TrainingStack>& stacks, Backend& backend, ThreadPool& pool) {
  TrainingRequest request;
  request.network = network;
  request.length = o.length;
  request.learning_rate = o.learning_rate;
  request.fusion = !o.no_fusion;
  request.resume = o.resume;
  BatchSettings& batches = request.batches;
  batches.method = parse_method(o.method);
  batches.gap = o.gap;
  batches.batch = o.batch;
  batches.seed = common.seed;
  if (o.batch < 1 || o.batch > 4096) throw Error(fmt::format("--batch {}: choose between 1 and 4096", o.batch));
  if (!o.noise.empty()) batches.noise = parse_noise(o.noise);

  std::vector<const Stack*> sources;
  int shortest = std::numeric_limits<int>::max();
  bool has_target = false;
  for (TrainingStack& stack : stacks) {
    sources.push_back(&stack.source);
    shortest = std::min(shortest, stack.source.planes);
    has_target = has_target || stack.target.has_value();
    if (stack.held_out.empty()) stack.held_out = held_out_planes(stack.source.planes, o.held_out);
  }
  request.held_out_nothing =
      std::all_of(stacks.begin(), stacks.end(), [](const TrainingStack& s) { return s.held_out.empty(); });
  batches.planes = choose_planes(o, shortest, has_target);
  batches.normalisation = fit_normalisation(sources, choose_normalisation(o.normalisation, network), backend, common);
  for (TrainingStack& stack : stacks) {
    apply_normalisation(batches.normalisation, stack.source.voxels);
    if (stack.target) apply_normalisation(batches.normalisation, stack.target->voxels);
  }
  if (batches.noise) {  // clean volumes were clipped; what the noise adds to them must not be
    batches.normalisation.clip_low.reset();
    batches.normalisation.clip_high.reset();
  }

  const int divisor = 1 << depth(make_network(network, 1).graph);
  int largest = 0;
  for (const Stack* source : sources) largest = std::max({largest, source->height, source->width});
  const int crop = o.crop > 0 ? o.crop : std::min(256, largest);
  batches.augmentation.crop_height = batches.augmentation.crop_width = (crop + divisor - 1) / divisor * divisor;
  const bool whole_planes = network == NetworkKind::mri && crop >= largest;
  batches.augmentation.max_shift = o.max_shift >= 0 ? o.max_shift : whole_planes ? std::min(64, largest / 4) : 0;
  batches.augmentation.fill = network == NetworkKind::mri ? -0.5F : 0.0F;
  batches.augmentation.orientations = o.orientations || network == NetworkKind::microscopy;

  if (batches.noise && o.fixed_noise) {
    const bool clean_target = batches.method == Method::noise2clean;
    for (std::size_t s = 0; s < stacks.size(); ++s) {
      Stack raw = stacks[s].source;
      undo_normalisation(batches.normalisation, raw.voxels);
      const auto copy = [&](Purpose purpose) {
        Stack noisy = corrupt_stack(*batches.noise, raw, common.seed, purpose, static_cast<int>(s), pool);
        apply_normalisation(batches.normalisation, noisy.voxels, false);
        return noisy;
      };
      stacks[s].target = clean_target ? stacks[s].source : copy(Purpose::noise_target);
      stacks[s].source = copy(Purpose::noise_input);
      if (batches.method == Method::noise2stack && batches.planes % 2 == 0) stacks[s].target.reset();
    }
    batches.noise.reset();  // it is in the stacks now
  }
  return request;
}

}  // namespace n2s
