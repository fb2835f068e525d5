// See run_folder.h.
#include "tools/run_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "kernels/base/error.h"

namespace n2s {

namespace fs = std::filesystem;

namespace {

/// "channel0", and no folder of the user's own that begins like that.
bool is_channel_folder(const std::string& name) {
  constexpr std::string_view kStart = "channel";
  return name.starts_with(kStart) && name.size() > kStart.size() &&
         name.find_first_not_of("0123456789", kStart.size()) == std::string::npos;
}

/// The folder itself, and its subfolders of channels.
std::vector<fs::path> network_folders(const fs::path& run) {
  std::vector<fs::path> folders{run};
  std::error_code unreadable;
  for (const fs::directory_entry& entry : fs::directory_iterator(run, unreadable))
    if (is_channel_folder(entry.path().filename().string()) && entry.is_directory()) folders.push_back(entry.path());
  return folders;
}

}  // namespace

bool holds_run(const fs::path& folder) {
  return fs::exists(folder / "state.safetensors");
}

void clear_run(const fs::path& folder) {
  for (const fs::path& network : network_folders(folder))
    for (const char* name : {"model.safetensors", "last.safetensors", "state.safetensors"}) fs::remove(network / name);
}

std::unique_ptr<RunLock> lock_run_folder(const fs::path& folder, bool resume, bool replace) {
  auto lock = std::make_unique<RunLock>(folder);
  const std::vector<fs::path> folders = network_folders(folder);
  const bool held = std::any_of(folders.begin(), folders.end(), holds_run);
  if (held && !resume && !replace)
    throw Error(
        fmt::format("{}: holds a run already; continue it with --resume or replace it with --force", folder.string()));
  if (resume && !held) throw Error(fmt::format("{}: no run to resume here; start without --resume", folder.string()));
  return lock;
}

}  // namespace n2s
