// An image file that is being written, plane by plane, so that a result larger than memory can be written. create_image
// serves all formats; write_image (image.h) writes a whole image at once.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "data/image.h"

namespace n2s {

class ImageWriter {
 public:
  virtual ~ImageWriter() = default;
  ImageWriter(const ImageWriter&) = delete;
  ImageWriter& operator=(const ImageWriter&) = delete;

  /// Whether planes have to be written in the order in which the file stores them (gzip).
  virtual bool in_order_only() const { return false; }

  /// The place in the file of a plane that is counted in the order of the header's axes.
  std::size_t stored_number(std::size_t number) const;

  /// Consecutive planes, rows x columns, from `first` on, counted in the order of the header's axes. Each plane is
  /// written once. Throws Error: a full disk, a plane out of order where the order matters.
  void write(std::size_t first, std::span<const float> values);

  /// All planes, in the order that the file needs. The values are in the order of the header's axes.
  void write_all(std::span<const float> values);

  /// Completes the file and puts it in its place; before that, the old file is untouched. Throws Error.
  virtual void commit() = 0;

 protected:
  /// `header` has Y and X as its last axes, and no values. The file stores its axes in `order`, which ends in YX.
  ImageWriter(Image header, std::string_view order);

  /// A plane, counted as the file stores it.
  virtual void write_stored(std::size_t number, std::span<const float> plane) = 0;

  const Image& image() const { return image_; }  // axes as the file stores them
  std::size_t plane_samples() const;
  std::size_t planes() const;

 private:
  Image image_;
  std::vector<std::size_t> lengths_, strides_;  // of the header's axes but Y and X; strides in planes of the file
};

/// Begins a file in the format that the extension names. `header` is an image without values, Y and X last. Throws
/// Error as write_image does.
std::unique_ptr<ImageWriter> create_image(const std::filesystem::path& path, Image header,
                                          const WriteOptions& options = {});

/// Collects the image in memory and calls write(image) at the end: for formats that can only be written whole.
std::unique_ptr<ImageWriter> whole_writer(Image header, std::function<void(const Image& image)> write);

}  // namespace n2s
