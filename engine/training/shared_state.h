// The state of a training, brought from the rank that has read it to the others.
#pragma once

#include "engine/runtime/ranks.h"
#include "engine/training/trainer.h"

namespace n2s {

/// All ranks get rank 0's. Throws RankLost.
void broadcast(Ranks& ranks, TrainingState& state);

}  // namespace n2s
