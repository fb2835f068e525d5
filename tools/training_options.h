// The options of training that train and restore share.
#pragma once

#include <string>

#include "engine/training/training_stack.h"
#include "kernels/adam/adam.h"
#include "tools/command_line.h"

namespace n2s {

constexpr long kMostSteps = 1'000'000'000;
constexpr double kMostMinutes = 1e6;

/// How long to train: exactly one is set.
struct TrainingLength {
  long epochs = 0;
  long steps = 0;
  double minutes = 0;

  bool is_set() const { return epochs > 0 || steps > 0 || minutes > 0; }
};

/// Which model of a run is used for what follows: the last one, or the one with the lowest validation loss.
enum class Keep { last, best };

/// What the user has asked for; prepare_training() decides what is left open.
struct TrainingOptions {
  std::string network;  // empty: by the kind of file
  std::string method;   // empty: noise2stack, or what an inspection advises
  int planes = 0;       // 0: 4 (5 with a second copy), 2 (3) where the stack is too short for that
  int gap = -1;         // -1: 0
  int batch = 16;
  int crop = 0;  // pixels; 0: whole planes, 256 at most
  TrainingLength length;
  double learning_rate = 0;             // 0: by network
  std::string mask, replacement, line;  // of methods that hide pixels; empty: as published
  int window = 0;                       // pixels; 0: as published
  std::string normalisation;            // empty: by network
  std::string levels = "stack";
  double memory_gib = 0;  // for the voxels of large data; 0: half of what is free
  std::string noise;      // empty: none is simulated
  bool fixed_noise = false;
  std::string recipe;  // "noise2noise"; empty: the paper's
  int max_shift = -1;  // pixels; -1: by network
  bool orientations = false;
  std::string channels;       // "each", "joint"; empty: each, but for colour images
  int held_out = -1;          // planes of each stack that validate; -1: one in 25, none of a short stack
  std::string keep;           // "last", "best"; empty: best with epochs, as in the paper, else last
  std::string advice = "on";  // "on", "off": whether restore inspects the stack for what is left open
  bool both_ways = false;     // whether two copies teach each other; with even-odd they always do
  bool no_fusion = false;
  bool resume = false;
};

/// Noise2Stack unless the user, or an inspection, has chosen another.
inline std::string method_name(const TrainingOptions& options) {
  return options.method.empty() ? BatchSettings{}.method : options.method;
}

void add_training_options(Verb& verb, TrainingOptions& options);

}  // namespace n2s
