// The folder of a run: whether it holds one, and how a new one takes its place.
#pragma once

#include <filesystem>
#include <memory>

#include "tools/run_lock.h"

namespace n2s {

/// Whether the folder holds the state of a network's training.
bool holds_run(const std::filesystem::path& folder);

/// Removes the models and states of an earlier run, which may have had other channels.
void clear_run(const std::filesystem::path& folder);

/// Locks the folder of a run. Throws Error when another program trains there, when it holds a run and neither `resume`
/// nor `replace` is set, or holds none and `resume` is. Call it before long work, and keep the lock until it is done.
std::unique_ptr<RunLock> lock_run_folder(const std::filesystem::path& folder, bool resume, bool replace);

}  // namespace n2s
