// Zip archives in memory: what BioImage.IO packages and PyTorch's files of tensors are.
#pragma once

#include <string>
#include <vector>

namespace n2s {

struct ArchivedFile {
  std::string name;  // with "/" between folders
  std::string bytes;
};

enum class ZipCompression { deflate, none };

/// The archive's bytes; the same for the same files, whose dates are those of the format's beginning. Throws Error.
std::string zip_archive(const std::vector<ArchivedFile>& files, ZipCompression compression);

}  // namespace n2s
