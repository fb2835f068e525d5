// Runs a verb alone or, started by mpirun or srun, as one of several ranks.
#pragma once

#include <functional>
#include <string>

#include "tools/ranks/process_ranks.h"

namespace n2s {

/// Calls `work` with the ranks that were started together, or with null where there is one process. Only rank 0 prints;
/// an error of any rank ends all of them with its text. Throws Error where several were started and this build, or how
/// they were started, lets them not work together.
void on_ranks(const std::function<void(ProcessRanks* ranks)>& work);

/// For verbs that work alone. Throws Error where several processes were started.
void refuse_ranks(const std::string& verb);

/// To call before an error is printed that all ranks may have: those after the first one wait, and are ended meanwhile.
void let_first_rank_speak();

}  // namespace n2s
