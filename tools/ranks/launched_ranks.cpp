// The plugin with MPI is loaded only where a launcher has started several processes.
#include "tools/ranks/launched_ranks.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "kernels/base/error.h"
#include "tools/caller.h"
#include "tools/interrupt.h"
#include "tools/standard_streams.h"

namespace n2s {
namespace {

namespace fs = std::filesystem;

std::optional<int> number_in(const char* variable) {
  const char* text = std::getenv(variable);
  if (text == nullptr || *text == '\0') return std::nullopt;
  return std::atoi(text);
}

constexpr const char* kAlone = "N2S_ALONE";  // set: each process works by itself, whoever has started it

/// What the launcher says: Open MPI's mpirun, MPICH's, Slurm's srun.
struct Launch {
  int rank = 0, count = 1;
};
Launch launch() {
  constexpr std::array<std::pair<const char*, const char*>, 3> kLaunchers{{
      {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"},
      {"PMI_RANK", "PMI_SIZE"},
      {"SLURM_PROCID", "SLURM_STEP_NUM_TASKS"},
  }};
  if (std::getenv(kAlone) != nullptr || caller() != nullptr) return {};
  for (const auto& [rank, count] : kLaunchers)
    if (const std::optional<int> found = number_in(count); found && *found > 1)
      return {number_in(rank).value_or(0), *found};
  return {};
}

/// Beside the program in the build, in lib/noise2stack/ once installed.
fs::path plugin_path() {
  constexpr const char* kName = "n2s_mpi.so";
  std::error_code unknown;
  const fs::path folder = fs::read_symlink("/proc/self/exe", unknown).parent_path();
  fs::path installed = folder / ".." / "lib" / "noise2stack" / kName;
  return fs::exists(folder / kName) ? folder / kName : installed;
}

std::unique_ptr<ProcessRanks> open_ranks(const Launch& launched) {
  const fs::path path = plugin_path();
  if (!fs::exists(path))
    throw Error(
        fmt::format("started as {} processes that work together, but this build is without MPI ({} is missing): build "
                    "with libopenmpi-dev installed, or start one process",
                    launched.count, path.string()));
  void* plugin = ::dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL);  // MPI loads parts of its own that look for it
  void* symbol = plugin == nullptr ? nullptr : ::dlsym(plugin, kOpenRanks);
  if (symbol == nullptr) throw Error(fmt::format("{}: {}", path.string(), ::dlerror()));
  std::unique_ptr<ProcessRanks> ranks(reinterpret_cast<OpenRanks>(symbol)({interrupted}));
  if (ranks->count() != launched.count)
    throw Error(
        fmt::format("started as {} processes, but MPI knows of {}: use the mpirun of the MPI that n2s was built with "
                    "(Open MPI), or srun --mpi=pmix",
                    launched.count, ranks->count()));
  return ranks;
}

/// Standard output and error lead nowhere while it lives.
class Silence {
 public:
  Silence() {
    for (int i = 0; i < 2; ++i) {
      kept_.at(static_cast<std::size_t>(i)) = ::fcntl(kStreams.at(static_cast<std::size_t>(i)), F_DUPFD_CLOEXEC, 3);
      const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
      ::dup2(nowhere, kStreams.at(static_cast<std::size_t>(i)));
      ::close(nowhere);
    }
  }
  Silence(const Silence&) = delete;
  Silence& operator=(const Silence&) = delete;
  ~Silence() {
    std::fflush(stdout);
    for (int i = 0; i < 2; ++i) {
      ::dup2(kept_.at(static_cast<std::size_t>(i)), kStreams.at(static_cast<std::size_t>(i)));
      ::close(kept_.at(static_cast<std::size_t>(i)));
    }
  }

 private:
  static constexpr std::array<int, 2> kStreams{STDOUT_FILENO, STDERR_FILENO};
  std::array<int, 2> kept_{};
};

}  // namespace

void let_first_rank_speak() {
  constexpr std::chrono::seconds kWait{5};
  if (launch().rank != 0) std::this_thread::sleep_for(kWait);
}

void on_ranks(const std::function<void(ProcessRanks* ranks)>& work) {
  const Launch launched = launch();
  if (launched.count == 1) return work(nullptr);
  const std::unique_ptr<ProcessRanks> ranks = open_ranks(launched);
  try {
    std::optional<Silence> silence;
    if (ranks->rank() != 0) silence.emplace();
    work(ranks.get());
    check_results_written();
  } catch (const std::exception& error) {
    let_first_rank_speak();
    print_note(fmt::format("n2s: error: {}{}\n", ranks->rank() == 0 ? "" : fmt::format("rank {}: ", ranks->rank()),
                           error.what()));
    ranks->end_all();
  }
}

void refuse_ranks(const std::string& verb) {
  if (const Launch launched = launch(); launched.count > 1)
    throw Error(fmt::format(
        "{}: works as one process, but {} were started together; train, denoise, bm3d, nlm and evaluate share "
        "the work, and {}=1 in the environment lets each process work by itself",
        verb, launched.count, kAlone));
}

}  // namespace n2s
