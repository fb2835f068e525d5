// Reads /proc and /sys; what is not there sets no limit.
#include "kernels/base/host_memory.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <limits>
#include <optional>
#include <string>

namespace n2s {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kUnlimited = std::numeric_limits<std::size_t>::max();

/// "MemAvailable:   24000000 kB"
std::optional<std::size_t> of_machine() {
  std::ifstream file("/proc/meminfo");
  std::string name;
  std::size_t kilobytes = 0;
  for (std::string unit; file >> name >> kilobytes; std::getline(file, unit))
    if (name == "MemAvailable:") return kilobytes * 1024;
  return std::nullopt;
}

std::optional<std::size_t> number_in(const fs::path& path) {
  std::ifstream file(path);
  std::size_t number = 0;
  if (file >> number) return number;  // "max" is no number
  return std::nullopt;
}

/// Of version 2, all levels from the process's own group up.
std::size_t of_control_groups() {
  std::ifstream file("/proc/self/cgroup");
  std::size_t least = kUnlimited;
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("0::/")) continue;
    const fs::path root = "/sys/fs/cgroup";
    for (fs::path group = root / line.substr(4); group.string().size() >= root.string().size();
         group = group.parent_path()) {
      const auto limit = number_in(group / "memory.max");
      const auto used = number_in(group / "memory.current");
      if (limit && used) least = std::min(least, *limit > *used ? *limit - *used : 0);
    }
  }
  return least;
}

std::size_t of_process() {
  rlimit limit{};
  if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return kUnlimited;
  const auto pages = number_in("/proc/self/statm").value_or(0);
  const std::size_t used = pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return limit.rlim_cur > used ? limit.rlim_cur - used : 0;
}

}  // namespace

std::size_t available_memory() {
  const std::size_t machine = of_machine().value_or(std::size_t{2} << 30);
  return std::min({machine, of_control_groups(), of_process()});
}

}  // namespace n2s
