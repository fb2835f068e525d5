// The names of an HDF5 dataset's axes, as different programs store them. Used by hdf5.cpp and hdf5_write.cpp.
#pragma once

#include <hdf5.h>

#include <string>

namespace n2s {

/// "TZYX", slowest first; empty where the file does not name all of the `rank` axes. Understood are dimension labels
/// (attribute DIMENSION_LABELS, HDF5 Dimension Scales), vigra's and ilastik's attribute axistags (JSON), MINC's
/// attribute dimorder, and the names of attached dimension scales (attribute DIMENSION_LIST; netCDF).
std::string read_hdf5_axes(hid_t dataset, std::size_t rank);

/// Writes them as dimension labels. Throws Error with the text `failure`.
void write_hdf5_axes(hid_t dataset, const std::string& axes, const std::string& failure);

}  // namespace n2s
