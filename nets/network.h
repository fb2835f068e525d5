// The table of networks. A network is one file that builds its graph and one row in network.cpp; training, restoring,
// the benchmarks and the help texts read the row.
#pragma once

#include <span>
#include <string>

#include "engine/graph/graph.h"

namespace n2s {

/// The files for which a network is used where the user names none.
enum class DefaultFor { no_files, medical_files, other_files };

struct Network {
  const char* name;            // of --net, and in a model's configuration: it must not change once models exist
  Graph (*build)(int planes);  // input planes -> forward graph with one output plane, unfused
  DefaultFor default_for;
  bool has_residual;  // adds an input plane to its result, which methods that hide pixels of it must not see

  // Defaults of training with this network.
  const char* normalisation;  // a kind of data/normalisation.h
  float fill;                 // normalised value of the background: fills what a shift leaves empty
  int max_shift;              // pixels, random shifts of whole planes; 0: planes are not shifted
  bool orientations;          // random flips and rotations by 90 degrees
  double learning_rate;       // the schedule's first, of runs measured in epochs: the paper's
  double step_learning_rate;  // the same of runs measured in steps or minutes, which may be short

  // The paper's experiment with this network, which the benchmarks repeat.
  int paper_planes;         // input planes
  const char* paper_noise;  // simulated anew for every image (engine/training/plane_noise.h); "": the data are noisy
};

std::span<const Network> networks();

/// Throws Error with the known names.
const Network& find_network(const std::string& name);

/// The network for files of a kind where the user names none.
const Network& default_network(DefaultFor files);

/// "mri or microscopy", for messages and help texts.
std::string network_names();

}  // namespace n2s
