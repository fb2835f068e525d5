// Attributes of HDF5 objects, as the readers of axes, spacing and values need them: those that make no sense are ones
// that are not there.
#pragma once

#include <hdf5.h>

#include <string>
#include <vector>

namespace n2s {

/// The numbers of an attribute, as doubles; none where it is not there or is anything else.
std::vector<double> hdf5_numbers(hid_t object, const char* attribute);

/// The strings of an attribute, of fixed or variable length; none where it is not there or is anything else.
std::vector<std::string> hdf5_strings(hid_t object, const char* attribute);

}  // namespace n2s
