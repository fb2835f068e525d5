// A stack and the way to its planes, wherever they are: for work that needs a few of them at a time.
#pragma once

#include <functional>
#include <string>

#include "data/image.h"
#include "data/stack.h"

namespace n2s {

struct PlanesToRead {
  std::string name;  // for messages
  Stack shape;       // without voxels
  Image header;      // sample type, slope and intercept
  std::function<Stack(int first, int count)> read;
};

}  // namespace n2s
