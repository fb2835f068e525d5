// An image file as the verbs work on it: all of its stacks, with names for messages, and the way back to an image.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "data/image.h"
#include "data/stack.h"
#include "tools/common.h"

namespace n2s {

/// What is known of a file's stacks without their voxels.
struct FileStacks {
  std::string path;
  Image image;  // without its values
  ImageStacks selected;

  /// Chooses the stacks and checks their planes' size. Throws Error.
  void select(const StackOptions& options);
  /// Of all stacks.
  std::size_t planes() const;
  /// Of the result: without those that the options hold at one position.
  std::vector<Axis> result_axes() const;
  /// "brain.nii.gz", or "series.tif (channel 1, time point 3)".
  std::string name_of(std::size_t stack) const;
  int number_of(std::size_t stack) const;
};

struct LoadedFile : FileStacks {
  std::vector<Stack> stacks;  // one for each of selected.stacks

  /// The result in the file's full shape.
  Image with(std::span<const Stack> results) const { return put_stacks(image, selected, results); }
};

/// Reads a file and says which stacks were chosen. Voxels may be NaN or infinite, but no whole plane; planes have at
/// least 16x16 pixels. Throws Error.
LoadedFile load_noisy_file(const std::string& path, const InputOptions& input, const CommonOptions& common);

/// The same for files whose voxels must all be finite.
LoadedFile load_file(const std::string& path, const InputOptions& input, const CommonOptions& common);

/// Warns where the values of a plane, which are computed with as 32-bit floats, are rounded to a few steps by that: as
/// counts around 1e9 are, which are then 64 apart.
void warn_of_rounding(const FileStacks& file, std::span<const float> plane);

/// Warns where the result, written to `out`, is rounded to a few steps: whole numbers, where the noisy plane has no
/// more than 16 of them.
void warn_of_few_steps(const FileStacks& file, std::span<const float> plane, const std::filesystem::path& out,
                       const WriteOptions& write);

/// Says so where the result, written to `out`, has not the orientation of a medical file, which only its own format
/// keeps.
void say_of_lost_orientation(const FileStacks& file, const std::filesystem::path& out, const CommonOptions& common);

/// Warns where two NIfTI files whose voxels are compared one by one store them in different directions.
void warn_of_other_directions(const FileStacks& a, const FileStacks& b);

/// Throws Error where the stacks are single planes, with the option that makes a stack of what the file has.
void check_neighbours(const FileStacks& file, int least);

/// Stacks that share a network.
struct NetworkGroup {
  std::string name;                 // for messages and JSON: "channel 1"; empty where there is one group only
  std::filesystem::path subfolder;  // of the run: "channel1"; empty likewise
  std::size_t channel = 0;
  std::vector<std::size_t> stacks;  // positions in LoadedFile::stacks
};

/// One group for each channel; one for all with --channels joint, and of a colour image unless told otherwise.
std::vector<NetworkGroup> network_groups(const FileStacks& file, const std::string& channels);

}  // namespace n2s
