// From what a stack is like to how to restore it, with the reasons.
#pragma once

#include <string>
#include <vector>

#include "analysis/inspection.h"

namespace n2s {

/// What is known besides the voxels.
struct StackContext {
  bool medical = false;     // from a scanner's format
  bool along_time = false;  // the planes follow each other in time
  std::string network;      // the default for such files, and its normalisation
  std::string normalisation;
  int default_planes = 4;
  bool may_hide_pixels = true;  // whether a method that does so may be advised
};

enum class Trust { yes, with_care, no };

struct Advice {
  Trust trust = Trust::yes;  // in what self-supervision from neighbouring planes gives
  std::string method = "noise2stack";
  std::string
      because;  // why this method: "the noise is independent from pixel to pixel"; empty where nothing was chosen
  int planes = 4;
  int gap = 0;
  std::string network, normalisation;
  std::vector<std::string> reasons;   // sentences: why so
  std::vector<std::string> warnings;  // sentences: what to do first, or instead
};

Advice advise(const Inspection& found, const StackContext& context);

/// "yes", "with care" or "no".
std::string describe(Trust trust);

}  // namespace n2s
