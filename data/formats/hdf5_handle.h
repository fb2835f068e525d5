// What reading and writing HDF5 share: an owner for the library's identifiers, and checked calls.
#pragma once

#include <hdf5.h>

#include <string>

#include "kernels/base/error.h"

namespace n2s {

/// Attribute with the spacing in micrometres: three doubles, Z Y X.
inline constexpr const char* kHdf5Spacing = "element_size_um";

// Owns one HDF5 identifier. Throws at once where the library returned none.
class Hdf5Handle {
 public:
  Hdf5Handle(hid_t id, herr_t (*close)(hid_t), const std::string& failure) : id_(id), close_(close) {
    if (id_ < 0) throw Error(failure);
  }
  ~Hdf5Handle() { close_(id_); }
  Hdf5Handle(const Hdf5Handle&) = delete;
  Hdf5Handle& operator=(const Hdf5Handle&) = delete;
  hid_t get() const { return id_; }

 private:
  hid_t id_;
  herr_t (*close_)(hid_t);
};

inline void check_hdf5(herr_t result, const std::string& failure) {
  if (result < 0) throw Error(failure);
}

// Failures are seen in return values; the library would print a stack of its own as well.
inline void silence_hdf5() {
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
}

}  // namespace n2s
