// Samples that follow each other in a file without compression, written plane by plane, in any order: what simple
// formats have behind their header.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>

#include "data/atomic_file.h"
#include "data/image_writer.h"
#include "data/samples.h"

namespace n2s {

class RawWriter : public ImageWriter {
 public:
  RawWriter(const std::filesystem::path& path, Image header, std::string_view order, const WriteOptions& options,
            SampleType type, bool swapped, Scaling scaling = {});

  void commit() override { file_.commit(); }

 protected:
  /// Where the samples begin in the file; what stands before them is written with write_at(). Call it before the first
  /// plane.
  void set_offset(std::uint64_t offset) { offset_ = offset; }
  void write_at(std::uint64_t offset, std::span<const std::byte> bytes) { file_.write_at(offset, bytes); }
  void write_stored(std::size_t number, std::span<const float> plane) override;

  SampleType type() const { return type_; }
  bool swapped() const { return swapped_; }
  std::span<const std::byte> stored_plane() const { return stored_; }  // the bytes of the plane written last

 private:
  AtomicFile file_;
  SampleType type_;
  bool swapped_;
  Scaling scaling_;
  std::uint64_t offset_ = 0;
  std::vector<std::byte> stored_;
};

}  // namespace n2s
