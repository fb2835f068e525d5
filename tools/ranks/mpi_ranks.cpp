// Ranks over MPI, as a plugin of the program (process_ranks.h): collective operations that end when a rank is lost, and
// memory that others read without this process's help (MPI-3 one-sided communication).
#include <fmt/format.h>
#include <mpi.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <exception>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tools/ranks/process_ranks.h"

namespace n2s {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

void check(int code, const char* what) {
  if (code == MPI_SUCCESS) return;
  std::string text(MPI_MAX_ERROR_STRING, '\0');
  int length = 0;
  MPI_Error_string(code, text.data(), &length);
  text.resize(static_cast<std::size_t>(length));
  throw RankLost(fmt::format("MPI: {}: {}", what, text));
}

/// Tells the next rank that this one lives, and listens to the one before: a process that was killed, or a node that
/// has lost its network, says nothing. A process that only computes for long still does, from this thread, which also
/// lets others read this one's memory meanwhile.
class Heartbeat {
 public:
  Heartbeat(int rank, int count) : rank_(rank), count_(count), told_(static_cast<std::size_t>(count)) {
    check(MPI_Comm_dup(MPI_COMM_WORLD, &world_), "duplicating the communicator");
    thread_ = std::thread([this] { beat(); });
  }
  Heartbeat(const Heartbeat&) = delete;
  Heartbeat& operator=(const Heartbeat&) = delete;
  ~Heartbeat() {
    stopping_ = true;
    thread_.join();
  }

  /// The rank that is silent; -1: none.
  int lost() const { return lost_; }

 private:
  static constexpr milliseconds kPause{5};
  static constexpr int kPausesPerBeat = 200;  // a second
  static constexpr int kSilentBeats = 30;     // counted, not timed: a job that was suspended has lost nobody

  void beat() {
    const int before = (rank_ + count_ - 1) % count_;
    int silent = 0;
    for (int pauses = 0; !stopping_; ++pauses) {
      std::this_thread::sleep_for(kPause);
      while (const std::optional<int> from = listen())
        if (*from == before) silent = 0;
      if (pauses % kPausesPerBeat != 0) continue;
      if (++silent == kSilentBeats) {
        lost_ = before;
        for (int rank = 0; rank < count_; ++rank)
          if (rank != before && rank != rank_) tell(rank);
      }
      tell((rank_ + 1) % count_);
    }
  }

  /// Who has said something, if anyone.
  std::optional<int> listen() {
    int arrived = 0;
    MPI_Status status{};
    MPI_Iprobe(MPI_ANY_SOURCE, 0, world_, &arrived, &status);
    if (arrived == 0) return std::nullopt;
    int lost = -1;
    MPI_Recv(&lost, 1, MPI_INT, status.MPI_SOURCE, 0, world_, MPI_STATUS_IGNORE);
    if (lost >= 0) lost_ = lost;
    return status.MPI_SOURCE;
  }

  /// Without waiting for it to arrive.
  void tell(int rank) {
    int& message = told_[static_cast<std::size_t>(rank)];
    message = lost_;
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_Isend(&message, 1, MPI_INT, rank, 0, world_, &request);
    MPI_Request_free(&request);
  }

  int rank_, count_;
  std::vector<int> told_;  // messages on their way
  MPI_Comm world_ = MPI_COMM_NULL;
  std::atomic<bool> stopping_ = false;
  std::atomic<int> lost_ = -1;
  std::thread thread_;
};

/// Ends when the operation has, or throws RankLost.
using Wait = std::function<void(MPI_Request& request)>;

/// A window that every rank may read at any time after complete().
class MpiMemory final : public DistributedMemory {
 public:
  MpiMemory(int rank, int count, std::size_t bytes, Wait wait)
      : rank_(rank), count_(count), bytes_(bytes), wait_(std::move(wait)) {
    check(MPI_Win_allocate(static_cast<MPI_Aint>(std::max<std::size_t>(bytes, 1)), 1, MPI_INFO_NULL, MPI_COMM_WORLD,
                           &own_, &window_),
          "allocating the memory that ranks share");
    check(MPI_Win_lock_all(MPI_MODE_NOCHECK, window_), "opening the memory that ranks share");
  }
  MpiMemory(const MpiMemory&) = delete;
  MpiMemory& operator=(const MpiMemory&) = delete;
  ~MpiMemory() override {
    if (std::uncaught_exceptions() > 0) return;  // the others may not come here
    MPI_Win_unlock_all(window_);
    MPI_Win_free(&window_);
  }

  int rank() const override { return rank_; }
  int count() const override { return count_; }
  std::span<std::byte> own() override { return {static_cast<std::byte*>(own_), bytes_}; }
  void complete() override {
    check(MPI_Win_sync(window_), "completing the memory that ranks share");
    MPI_Request request = MPI_REQUEST_NULL;
    check(MPI_Ibarrier(MPI_COMM_WORLD, &request), "waiting for the other ranks");
    wait_(request);
    check(MPI_Win_sync(window_), "completing the memory that ranks share");
  }
  void read(int rank, std::size_t offset, std::span<std::byte> bytes) const override {
    if (rank == rank_) {
      std::memcpy(bytes.data(), static_cast<const std::byte*>(own_) + offset, bytes.size());
      return;
    }
    MPI_Request request = MPI_REQUEST_NULL;
    const int count = static_cast<int>(bytes.size());  // a part of a tile
    check(MPI_Rget(bytes.data(), count, MPI_BYTE, rank, static_cast<MPI_Aint>(offset), count, MPI_BYTE, window_,
                   &request),
          "reading from another rank");
    wait_(request);
  }

 private:
  int rank_, count_;
  std::size_t bytes_;
  Wait wait_;
  void* own_ = nullptr;
  MPI_Win window_ = MPI_WIN_NULL;
};

/// Where each rank's part of `size` values begins, and how many it has.
struct Parts {
  std::vector<int> begins, counts;
};
Parts parts_of(std::size_t size, int ranks) {
  Parts parts;
  for (int rank = 0; rank < ranks; ++rank) {
    const auto begin_of = [&](int r) {
      return static_cast<int>(size * static_cast<std::size_t>(r) / static_cast<std::size_t>(ranks));
    };
    parts.begins.push_back(begin_of(rank));
    parts.counts.push_back(begin_of(rank + 1) - begin_of(rank));
  }
  return parts;
}

/// MPI counts in int.
template <class Work>
void for_each_part(std::size_t size, Work&& work) {
  constexpr std::size_t kMost = std::numeric_limits<int>::max();
  for (std::size_t begin = 0; begin < size; begin += kMost)
    work(begin, static_cast<int>(std::min(kMost, size - begin)));
}

class MpiRanks final : public ProcessRanks {
 public:
  explicit MpiRanks(const RanksRequest& request) : request_(request) {
    int level = 0;
    check(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_MULTIPLE, &level), "starting");
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
    MPI_Comm_size(MPI_COMM_WORLD, &count_);
    MPI_Comm node = MPI_COMM_NULL;
    check(MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, rank_, MPI_INFO_NULL, &node), "looking around");
    MPI_Comm_rank(node, &local_rank_);
    MPI_Comm_size(node, &local_count_);
    MPI_Comm_free(&node);
    if (level < MPI_THREAD_MULTIPLE)
      throw Error("this MPI lets only one thread communicate (MPI_THREAD_MULTIPLE is missing); use Debian's OpenMPI");
    if (count_ > 1) heartbeat_.emplace(rank_, count_);
  }
  MpiRanks(const MpiRanks&) = delete;
  MpiRanks& operator=(const MpiRanks&) = delete;
  /// With the others, of which one may have more to do than this one.
  ~MpiRanks() override {
    try {
      meet();
    } catch (const RankLost&) {
      end_all();
    }
    heartbeat_.reset();
    MPI_Finalize();
  }

  int rank() const override { return rank_; }
  int count() const override { return count_; }
  int local_rank() const override { return local_rank_; }
  int local_count() const override { return local_count_; }

  /// Each rank gets one part from everyone, adds it up and gives the sums to all: as many bytes as a ring would move,
  /// in an order that does not depend on who comes first.
  void sum(std::span<float> values) override {
    const Parts parts = parts_of(values.size(), count_);
    const auto own = static_cast<std::size_t>(rank_);
    const auto own_count = static_cast<std::size_t>(parts.counts[own]);
    std::vector<float> received(own_count * static_cast<std::size_t>(count_));
    Parts from;
    for (int rank = 0; rank < count_; ++rank) {
      from.begins.push_back(rank * parts.counts[own]);
      from.counts.push_back(parts.counts[own]);
    }
    MPI_Request request = MPI_REQUEST_NULL;
    check(MPI_Ialltoallv(values.data(), parts.counts.data(), parts.begins.data(), MPI_FLOAT, received.data(),
                         from.counts.data(), from.begins.data(), MPI_FLOAT, MPI_COMM_WORLD, &request),
          "adding up gradients");
    wait(request);
    std::vector<float> sums(own_count);
    for (int rank = 0; rank < count_; ++rank)
      for (std::size_t i = 0; i < own_count; ++i) sums[i] += received[static_cast<std::size_t>(rank) * own_count + i];
    check(MPI_Iallgatherv(sums.data(), parts.counts[own], MPI_FLOAT, values.data(), parts.counts.data(),
                          parts.begins.data(), MPI_FLOAT, MPI_COMM_WORLD, &request),
          "adding up gradients");
    wait(request);
  }

  void broadcast(std::span<std::byte> bytes) override {
    for_each_part(bytes.size(), [&](std::size_t begin, int count) {
      MPI_Request request = MPI_REQUEST_NULL;
      check(MPI_Ibcast(bytes.data() + begin, count, MPI_BYTE, 0, MPI_COMM_WORLD, &request), "distributing");
      wait(request);
    });
  }

  std::vector<std::vector<std::byte>> gather(std::span<const std::byte> own) override {
    std::uint64_t size = own.size();
    std::vector<std::uint64_t> sizes(static_cast<std::size_t>(count_));
    MPI_Request request = MPI_REQUEST_NULL;
    check(MPI_Igather(&size, 1, MPI_UINT64_T, sizes.data(), 1, MPI_UINT64_T, 0, MPI_COMM_WORLD, &request),
          "collecting results");
    wait(request);
    if (rank_ != 0) {
      for_each_part(own.size(), [&](std::size_t begin, int count) {
        check(MPI_Isend(own.data() + begin, count, MPI_BYTE, 0, 0, MPI_COMM_WORLD, &request), "sending results");
        wait(request);
      });
      return {};
    }
    std::vector<std::vector<std::byte>> all{{own.begin(), own.end()}};
    for (int rank = 1; rank < count_; ++rank) {
      std::vector<std::byte>& of_rank = all.emplace_back(sizes[static_cast<std::size_t>(rank)]);
      for_each_part(of_rank.size(), [&](std::size_t begin, int count) {
        check(MPI_Irecv(of_rank.data() + begin, count, MPI_BYTE, rank, 0, MPI_COMM_WORLD, &request),
              "collecting results");
        wait(request);
      });
    }
    return all;
  }

  void meet() override {
    MPI_Request request = MPI_REQUEST_NULL;
    check(MPI_Ibarrier(MPI_COMM_WORLD, &request), "waiting for the other ranks");
    wait(request);
  }

  std::shared_ptr<DistributedMemory> distribute(std::size_t bytes) override {
    return std::make_shared<MpiMemory>(rank_, count_, bytes, [this](MPI_Request& request) { wait(request); });
  }

  [[noreturn]] void end_all() override {
    MPI_Abort(MPI_COMM_WORLD, 1);
    std::_Exit(1);
  }

 private:
  /// How long to wait once this process was asked to stop. Ranks that live come within a step's time as a rule, and
  /// rank 0 should be the first to go: it saves.
  milliseconds patience() const { return rank_ == 0 ? milliseconds(500) : milliseconds(20000); }

  void wait(MPI_Request& request) const {
    std::optional<Clock::time_point> asked_to_stop;
    for (int tries = 0;; ++tries) {
      int done = 0;
      check(MPI_Test(&request, &done, MPI_STATUS_IGNORE), "waiting for the other ranks");
      if (done != 0) return;
      if (heartbeat_ && heartbeat_->lost() >= 0)
        throw RankLost(fmt::format("rank {} is lost: nothing was heard of it for half a minute", heartbeat_->lost()));
      if (request_.interrupted() && !asked_to_stop) asked_to_stop = Clock::now();
      if (asked_to_stop && Clock::now() - *asked_to_stop > patience())
        throw RankLost("asked to stop, while another rank does not answer");
      constexpr int kEager = 1000;  // more ranks than cores must let each other compute
      if (tries > kEager)
        std::this_thread::sleep_for(std::chrono::microseconds(50));
      else
        std::this_thread::yield();
    }
  }

  RanksRequest request_;
  int rank_ = 0, count_ = 1, local_rank_ = 0, local_count_ = 1;
  std::optional<Heartbeat> heartbeat_;
};

}  // namespace
}  // namespace n2s

extern "C" n2s::ProcessRanks* n2s_open_ranks(const n2s::RanksRequest& request) {
  return std::make_unique<n2s::MpiRanks>(request).release();
}
