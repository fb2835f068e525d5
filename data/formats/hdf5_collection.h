// An HDF5 file with several stacks and texts about them: what n2s prepare writes. Each stack can be read by its name
// like any other dataset (ReadOptions::dataset).
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "data/atomic_file.h"
#include "data/image.h"
#include "data/stack.h"

namespace n2s {

class Hdf5Handle;

class Hdf5Collection {
 public:
  /// Begins a file beside `path`. Throws Error as check_output_path does.
  Hdf5Collection(const std::filesystem::path& path, bool overwrite);
  ~Hdf5Collection();

  /// Adds a stack as `name` ("train/brain/clean"; groups are made). `header` has the axes Z, Y, X, spacing, unit and
  /// sample type. `text` becomes the attribute `attribute` of the dataset. Throws Error, before anything is written
  /// where the disk has no room for it.
  void add(const std::string& name, const Image& header, const Stack& stack, const std::string& attribute,
           const std::string& text);

  /// A text about the whole file.
  void describe(const std::string& attribute, const std::string& text);

  /// Completes the file and puts it in its place. The object is of no use afterwards. Throws Error.
  void commit();

 private:
  std::string name_;
  AtomicFile output_;
  std::unique_ptr<Hdf5Handle> file_;
};

/// The text attribute of a file's root, or of a dataset; empty where there is none. Throws Error.
std::string read_hdf5_text(const std::filesystem::path& path, const std::string& object, const std::string& attribute);

}  // namespace n2s
