// The table of file formats. A format is one pair of files in this folder and one row in formats.cpp; reading, writing,
// help texts and the tests with damaged files follow from the row.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/image.h"
#include "data/image_reader.h"
#include "data/image_writer.h"
#include "data/input_file.h"

namespace n2s {

struct Format {
  std::string_view name;                     // for messages: "NIfTI"
  std::vector<std::string_view> extensions;  // lower case, with the dot
  bool (*recognise)(const InputFile& file);  // by content
  std::unique_ptr<ImageReader> (*open)(std::shared_ptr<const InputFile> file, const ReadOptions& options);
  std::unique_ptr<ImageWriter> (*create)(const std::filesystem::path& path, Image header, const WriteOptions& options);
  std::string_view axes = "TZCYX";  // those that it can hold, where they are longer than 1
  std::vector<SampleType> types{};  // that it can store; empty: all (wider ones where it lacks one)
  bool medical = false;             // of MRI and CT scanners: chooses the network where the user does not
  bool crashes_on_damage = false;   // the library that reads it may crash on changed bytes
  bool float16 = false;             // can store half precision; without it such samples are stored as float32
  bool scaling = false;             // can store slope and intercept; without them such integers are stored as float32
  bool may_lack_axes = false;       // ReadOptions::axes may name them
  bool has_series = false;          // holds several images of different shapes, chosen by ReadOptions::series
  bool has_datasets = false;        // holds several images, chosen by ReadOptions::dataset
};

std::span<const Format> formats();

/// By extension, in upper or lower case; null: no format has it.
const Format* format_of_name(const std::filesystem::path& path);

/// The format that the name's extension says, where it recognises the content; else the first that does. Null: none.
/// Throws Error where the file cannot be read.
const Format* format_of_content(const InputFile& file);

/// "NIfTI, TIFF, PNG or HDF5" (or those of medical scanners alone), and ".nii, .nii.gz, .tif, ... or .hdf5": for
/// messages and help texts.
std::string format_names(bool medical_only = false);
std::string format_extensions();

}  // namespace n2s
