// Processes that train one network together: each computes the gradients of its share of every batch, and all apply the
// sum (data parallelism, as in Goyal et al. 2017). Usually there is one.
#pragma once

#include <cstddef>
#include <span>

#include "kernels/base/error.h"

namespace n2s {

class Ranks {
 public:
  virtual ~Ranks() = default;
  virtual int rank() const = 0;  // 0 ... count() - 1
  virtual int count() const = 0;
  /// Adds the values of all ranks, in the order of ranks: every rank gets the same bits, run after run. All ranks call
  /// it with as many values. Throws RankLost.
  virtual void sum(std::span<float> values) = 0;
  /// All get what rank 0 has. All call it with as many bytes. Throws RankLost.
  virtual void broadcast(std::span<std::byte> bytes) = 0;
};

/// Another rank has ended, or was told to: what this one holds is as it was before the call.
class RankLost : public Error {
 public:
  using Error::Error;
};

/// A part of the positions of a batch.
struct BatchShare {
  int first = 0, count = 0;
};

/// Of a batch of `batch` images; shares differ by one image at the most.
inline BatchShare share_of(int batch, int rank, int count) {
  const int first = batch * rank / count;
  return {first, batch * (rank + 1) / count - first};
}

}  // namespace n2s
