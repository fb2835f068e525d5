// The processes that mpirun or srun has started together: how they were started, and what they share.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "data/distributed_memory.h"
#include "engine/runtime/ranks.h"

namespace n2s {

class ProcessRanks : public Ranks {
 public:
  /// On this node; `local_count` at least 1.
  virtual int local_rank() const = 0;
  virtual int local_count() const = 0;
  /// Takes so many bytes of each rank; all call it with the same number.
  virtual std::shared_ptr<DistributedMemory> distribute(std::size_t bytes) = 0;
  /// What each rank gives, on rank 0 in their order; on the others nothing. All call it. Throws RankLost.
  virtual std::vector<std::vector<std::byte>> gather(std::span<const std::byte> own) = 0;
  /// Waits until all have come here.
  virtual void meet() = 0;
  /// Ends all ranks at once, with exit code 1.
  [[noreturn]] virtual void end_all() = 0;
};

/// What the plugin is made with. `interrupted` says whether this process was asked to stop: it then waits for the
/// others no longer.
struct RanksRequest {
  bool (*interrupted)() = nullptr;
};

/// The function of the plugin n2s_mpi.so that makes the ranks: so the program itself needs no MPI. Throws Error.
using OpenRanks = ProcessRanks* (*)(const RanksRequest& request);
inline constexpr const char* kOpenRanks = "n2s_open_ranks";

}  // namespace n2s
