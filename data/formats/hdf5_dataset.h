// One dataset of an HDF5 file that is being written, plane by plane. For hdf5_write.cpp and hdf5_collection.cpp.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "data/formats/hdf5_handle.h"
#include "data/image.h"

namespace n2s {

class Hdf5DatasetWriter {
 public:
  /// Chunks of one plane, deflate level 1; names of the axes, spacing where the unit is known. Groups in the name are
  /// made. Y and X are the header's last axes. Errors have the text `failure`.
  Hdf5DatasetWriter(hid_t file, const std::string& name, const Image& header, SampleType type, std::string failure);

  /// Plane `number`, counted in the order of the axes; as a whole. Throws Error.
  void write(std::size_t number, std::span<const float> plane) const;

  hid_t get() const { return dataset_.get(); }

 private:
  std::vector<hsize_t> shape_;
  SampleType type_;
  std::string failure_;
  Hdf5Handle dataset_;
};

}  // namespace n2s
