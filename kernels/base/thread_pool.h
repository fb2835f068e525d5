// A fixed set of worker threads and one operation, parallel_for. Results must not depend on the number of threads, so
// the pool offers no reduction: callers divide their work into chunks that depend on the problem alone.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace n2s {

class ThreadPool {
 public:
  /// `threads` counts the calling thread; 0 means one per CPU that this process may use.
  explicit ThreadPool(int threads = 0);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const;

  /// Calls work(index, thread) for every index in [0, count), each exactly once, in no fixed order; thread is in
  /// [0, threads()) and no two calls with the same thread overlap, so it can pick scratch memory. Returns when all are
  /// done; the first exception thrown by `work` is rethrown here (the remaining indices may then be skipped).
  /// Not re-entrant: `work` must not call parallel_for of the same pool.
  void parallel_for(std::ptrdiff_t count, const std::function<void(std::ptrdiff_t index, int thread)>& work);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace n2s
