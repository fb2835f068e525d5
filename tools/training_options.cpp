// Declares the options of training, with their help.
#include "tools/training_options.h"

#include <fmt/format.h>

#include <functional>
#include <string>
#include <vector>

#include "data/formats/formats.h"
#include "data/normalisation.h"
#include "engine/training/methods.h"
#include "nets/network.h"

namespace n2s {
namespace {

constexpr long kMostNetworkPlanes = 1024;  // of a network
constexpr long kMostPixels = 65536;        // of a side

/// "mri TEXT, microscopy TEXT", for help texts; networks whose text is empty are left out.
std::string per_network(const std::function<std::string(const Network&)>& text_of) {
  std::vector<std::string> texts;
  for (const Network& network : networks())
    if (const std::string text = text_of(network); !text.empty()) texts.push_back(network.name + (" " + text));
  return fmt::format("{}", fmt::join(texts, ", "));
}

std::string default_normalisation(const Network& network) {
  return network.normalisation;
}
std::string default_shift(const Network& network) {
  return network.max_shift > 0 ? fmt::format("with whole planes {}", network.max_shift) : "";
}
std::string default_flips(const Network& network) {
  return network.orientations ? "always" : "";
}

void add_data_options(Verb& verb, TrainingOptions& o) {
  verb.option("--method", o.method,
              method_descriptions() + " (default: noise2stack; restore: by what n2s inspect finds)");
  verb.option(
          "--planes", o.planes,
          "Input planes of the network (default: 4, for stacks under 5 planes 2; one more with a second copy; 1 for "
          "methods that hide pixels, which take 3, 5 ... with neighbours)")
      .between(1L, kMostNetworkPlanes);
  verb.option("--gap", o.gap,
              "Skip this many planes on each side of the target, for noise correlated between neighbouring planes "
              "(default: "
              "0; restore: by what n2s inspect finds)")
      .between(0L, kMostNetworkPlanes);
  verb.option("--normalise", o.normalisation,
              fmt::format(
                  "percentile (3rd and 99.8th to 0 and 1), robust-range (0 and the 99.9th percentile to -0.5 and 0.5), "
                  "mean-std; range (0 and the maximum, as in the paper) or none (default: {})",
                  per_network(default_normalisation)))
      .one_of(normalisation_kinds());
  verb.option("--noise", o.noise,
              "For clean data: simulate noise, kspace:RATE, gaussian:SIGMA or poisson:GAIN[,gaussian:SIGMA]");
  verb.flag("--fixed-noise", o.fixed_noise, "Draw the noise once per plane (default: anew every epoch)");
  verb.option("--max-shift", o.max_shift,
              fmt::format("Shift training images at random, down and right, by up to this many pixels (default: 0; {})",
                          per_network(default_shift)))
      .between(0L, kMostPixels);
  verb.flag("--flips", o.orientations,
            fmt::format("Flip training images and rotate them by 90 degrees at random (default: no; {})",
                        per_network(default_flips)));
  verb.option("--channels", o.channels,
              "Networks for files of several channels: one for each, or joint, one for all (default: each; colour "
              "images joint). Time points and slices share a network")
      .one_of({"each", "joint"});
  verb.option("--validation-planes", o.held_out,
              "Planes of each stack to hold out for validation (default: 1 in 25; none of stacks under 20 planes)")
      .between(0L, 1000000L);
}

void add_blind_spot_options(Verb& verb, TrainingOptions& o) {
  verb.option("--mask", o.mask,
              "Methods that hide pixels: random:SIDE, one in each box of SIDE x SIDE pixels, or grid:SIDE, all at the "
              "same place of their boxes (default: noise2void, structn2v random:22; noise2self grid:4)");
  verb.option(
          "--replace", o.replacement,
          "What stands in their place: uniform, a random pixel near it; median of the pixels around it; interpolate "
          "(default: uniform; noise2self interpolate)")
      .one_of({"uniform", "median", "interpolate"});
  verb.option("--window", o.window, "Side of the window for uniform and median, pixels, odd (default: 11)")
      .between(3L, 101L);
  verb.option("--struct", o.line,
              "Hide WIDTHxHEIGHT pixels around each target, odd numbers, for noise that is correlated along lines "
              "(default: 1x1; structn2v 11x1)");
}

void add_length_options(Verb& verb, TrainingLength& length) {
  const Option epochs =
      verb.option("--epochs", length.epochs, "Length of training: passes over all planes").between(1L, kMostSteps);
  const Option steps =
      verb.option("--steps", length.steps, "Length of training: steps").between(1L, kMostSteps).excludes(epochs);
  verb.option("--minutes", length.minutes, "Length of training: as many steps as fit into these minutes")
      .above_zero(kMostMinutes)
      .excludes(epochs)
      .excludes(steps);
}

}  // namespace

void add_training_options(Verb& verb, TrainingOptions& o) {
  verb.heading("Training");
  verb.option("--net", o.network,
              fmt::format("Network: {} (default: {} for files of medical scanners ({}), {} for others)",
                          network_names(), default_network(DefaultFor::medical_files).name, format_names(true),
                          default_network(DefaultFor::other_files).name));
  add_data_options(verb, o);
  add_blind_spot_options(verb, o);
  verb.option("--batch", o.batch, "Images in a training step").between(1L, 4096L).show_default();
  verb.option("--crop", o.crop,
              "Side of the training images, pixels (default: restore 64; train whole planes, 256 at most)")
      .between(16L, kMostPixels);
  add_length_options(verb, o.length);
  verb.option("--learning-rate", o.learning_rate,
              fmt::format("Initial learning rate; it decays along a cosine (default: {}; with --epochs {})",
                          per_network([](const Network& n) { return fmt::format("{:g}", n.step_learning_rate); }),
                          per_network([](const Network& n) { return fmt::format("{:g}", n.learning_rate); })))
      .above_zero(1000);
  verb.option("--recipe", o.recipe,
              "noise2noise: with --method noise2noise and --noise kspace:RATE, as Noise2Noise's own code trains for "
              "MRI: loss after k-space data consistency, circular shifts, rates that rise and fall, beta2 0.99, 300 "
              "epochs of whole planes (default: as in the Noise2Stack paper)")
      .one_of({"noise2noise"});
  verb.option("--keep", o.keep,
              "The model to use: last, or best, the one with the lowest validation loss (default: last; with --epochs "
              "best, as in the paper)")
      .one_of({"last", "best"});
  verb.option("--memory", o.memory_gib,
              "Memory for the voxels of data over 64 MiB, GiB (default: half of what is free); the rest stays on disk, "
              "in the run's folder")
      .above_zero(1 << 20);
  verb.flag("--no-fusion", o.no_fusion, "Run every operation by itself, unfused (slow; for debugging)");
  verb.flag("--resume", o.resume, "Continue an interrupted run");
}

}  // namespace n2s
