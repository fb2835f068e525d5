// An image file that is open: what its header says, and its samples plane by plane, so that a file larger than memory
// can be worked on. open_image serves all formats; read_image (image.h) reads a whole file at once.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "data/image.h"
#include "data/input_file.h"

namespace n2s {

class ImageReader {
 public:
  virtual ~ImageReader() = default;
  ImageReader(const ImageReader&) = delete;
  ImageReader& operator=(const ImageReader&) = delete;

  /// Everything but the values. Its last two axes are Y and X: a plane is rows x columns.
  const Image& image() const { return image_; }
  std::size_t plane_samples() const;
  std::size_t planes() const;

  /// The format is one of medical scanners (Image::medical).
  void set_medical() { image_.medical = true; }

  /// Fills `values` with consecutive planes from `first` on, counted in the order of the axes. The size is a multiple
  /// of plane_samples(). Any order is possible; ascending is fastest. Throws Error as read_image does.
  virtual void read(std::size_t first, std::span<float> values) = 0;

  /// The whole image. The reader is of no use afterwards.
  virtual Image read_all();

 protected:
  explicit ImageReader(Image header) : image_(std::move(header)) {}
  Image& header() { return image_; }
  const Image& header() const { return image_; }

 private:
  Image image_;
};

/// Opens a file as read_image does and reads its header alone, but for formats and orders of axes that can only be read
/// whole (PNG; arrays whose last axes are not Y and X).
std::unique_ptr<ImageReader> open_image(const std::filesystem::path& path, const ReadOptions& options = {});

/// An image that is in memory.
std::unique_ptr<ImageReader> reader_of(Image image);

/// How samples lie in a file without compression.
struct RawSamples {
  std::uint64_t offset = 0;  // of the first one: bytes
  bool swapped = false;      // byte order: not this machine's
  double slope = 1, intercept = 0;
};

/// Samples that follow one another in the order of the header's axes. Throws Error where the file is too short for
/// them.
std::unique_ptr<ImageReader> raw_reader(std::shared_ptr<const InputFile> file, Image header, const RawSamples& samples);

}  // namespace n2s
