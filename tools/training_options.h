// The options that train and restore share, and how they become a training request.
#pragma once

#include <CLI/CLI.hpp>
#include <set>
#include <string>
#include <vector>

#include "tools/training_run.h"

namespace n2s {

struct TrainingOptions {
  std::string network;  // empty: by the kind of file
  std::string method = "noise2stack";
  int planes = 0;  // 0: 4 (5 with a second copy), 2 (3) where the stack is too short for that
  int gap = 0;
  int batch = 16;
  int crop = 0;  // pixels; 0: the caller's default
  TrainingLength length;
  double learning_rate = 1e-3;
  std::string normalisation;  // empty: by network
  std::string noise;          // empty: none is simulated
  bool fixed_noise = false;
  int max_shift = -1;  // pixels; -1: by network
  bool orientations = false;
  int held_out = -1;  // planes of each stack that validate; -1: one in 25, none of a short stack
  bool no_fusion = false;
  bool resume = false;
};

void add_training_options(CLI::App& verb, TrainingOptions& options);

/// Evenly spread planes that validate: `wanted` of them, or one in 25 where it is negative.
std::set<int> held_out_planes(int depth, int wanted);

/// "mri" for NIfTI files, else "microscopy"; `wish` where it is not empty.
NetworkKind choose_network(const std::string& wish, bool is_nifti);

/// The number of input planes where none is wished: as many as the shortest stack can give.
int choose_planes(const TrainingOptions& options, int shortest_stack, bool has_target);

/// "range" for the MRI network, "percentile" for microscopy, unless wished otherwise.
NormalisationOptions choose_normalisation(const std::string& wish, NetworkKind network);

/// Normalises all stacks with one statistic, corrupts them where the noise is fixed, holds planes out, and fills in the
/// request.
TrainingRequest prepare_training(const TrainingOptions& options, NetworkKind network, const CommonOptions& common,
                                 std::vector<TrainingStack>& stacks, Backend& backend, ThreadPool& pool);

}  // namespace n2s
