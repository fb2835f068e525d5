// The thread pool: workers sleep on a condition variable between calls and take indices from an atomic counter.
#include "kernels/base/thread_pool.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace n2s {
namespace {

int usable_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

}  // namespace

struct ThreadPool::State {
  std::mutex mutex;
  std::condition_variable wake, done;
  std::vector<std::thread> workers;
  const std::function<void(std::ptrdiff_t, int)>* work = nullptr;
  std::ptrdiff_t count = 0;
  std::atomic<std::ptrdiff_t> next{0};
  std::size_t round = 0;    // increases with every parallel_for: a worker runs each round once
  std::size_t running = 0;  // workers that have not finished the round
  bool stopping = false;
  std::exception_ptr failure;

  void drain(int thread) {
    try {
      for (std::ptrdiff_t i = next.fetch_add(1); i < count; i = next.fetch_add(1)) (*work)(i, thread);
    } catch (...) {
      next.store(count);
      const std::lock_guard lock(mutex);
      if (!failure) failure = std::current_exception();
    }
  }

  void serve(int thread) {
    std::size_t seen = 0;
    for (;;) {
      {
        std::unique_lock lock(mutex);
        wake.wait(lock, [&] { return stopping || round != seen; });
        if (stopping) return;
        seen = round;
      }
      drain(thread);
      const std::lock_guard lock(mutex);
      if (--running == 0) done.notify_one();
    }
  }
};

ThreadPool::ThreadPool(int threads) : state_(std::make_unique<State>()) {
  const int total = threads > 0 ? threads : usable_cpus();
  for (int t = 1; t < total; ++t) state_->workers.emplace_back([state = state_.get(), t] { state->serve(t); });
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
  }
  state_->wake.notify_all();
  for (std::thread& worker : state_->workers) worker.join();
}

int ThreadPool::threads() const {
  return static_cast<int>(state_->workers.size()) + 1;
}

void ThreadPool::parallel_for(std::ptrdiff_t count, const std::function<void(std::ptrdiff_t, int)>& work) {
  if (count <= 0) return;
  State& s = *state_;
  if (count == 1 || s.workers.empty()) {
    for (std::ptrdiff_t i = 0; i < count; ++i) work(i, 0);
    return;
  }
  {
    const std::lock_guard lock(s.mutex);
    s.work = &work;
    s.count = count;
    s.next.store(0);
    s.running = s.workers.size();
    s.failure = nullptr;
    ++s.round;
  }
  s.wake.notify_all();
  s.drain(0);
  std::unique_lock lock(s.mutex);
  s.done.wait(lock, [&] { return s.running == 0; });
  s.work = nullptr;
  if (s.failure) std::rethrow_exception(s.failure);
}

}  // namespace n2s
