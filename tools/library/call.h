// One call of the library: a verb of the command line, run on arrays instead of files.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "data/lent_arrays.h"
#include "tools/caller.h"
#include "tools/command_line.h"

namespace n2s {

/// Options by their names on the command line, without dashes; no value: a flag.
using CallOptions = std::map<std::string, std::optional<std::string>>;

struct Call {
  void (*add_verb)(Program& program) = nullptr;
  std::vector<std::string> words;           // the verb, and what names arrays and folders
  std::map<std::string, LentArray> arrays;  // by these names
  CallOptions options;
};

/// Thrown where the caller has cancelled.
class Cancelled : public Error {
 public:
  using Error::Error;
};

/// Runs it. Returns the JSON that the verb prints with --json. Throws UsageError, Cancelled, Error and std::bad_alloc.
std::string run(const Call& call, Caller& caller);

/// A folder of this process alone; removed with what is in it at the end. Throws Error.
class ScratchFolder {
 public:
  ScratchFolder();
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// Copies the model, or the models for each channel, of a run's folder or a model file. Throws Error.
void copy_models(const std::filesystem::path& from, const std::filesystem::path& folder);

}  // namespace n2s
