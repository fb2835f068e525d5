// See hdf5_attributes.h.
#include "data/formats/hdf5_attributes.h"

#include <algorithm>
#include <cstddef>

#include "data/formats/hdf5_handle.h"

namespace n2s {

std::vector<double> hdf5_numbers(hid_t object, const char* attribute_name) {
  constexpr hssize_t kMostNumbers = 32;
  if (H5Aexists(object, attribute_name) <= 0) return {};
  const Hdf5Handle attribute(H5Aopen(object, attribute_name, H5P_DEFAULT), H5Aclose, "no attribute");
  const Hdf5Handle type(H5Aget_type(attribute.get()), H5Tclose, "no type");
  const Hdf5Handle space(H5Aget_space(attribute.get()), H5Sclose, "no space");
  const hssize_t count = H5Sget_simple_extent_npoints(space.get());
  const H5T_class_t kind = H5Tget_class(type.get());
  if ((kind != H5T_INTEGER && kind != H5T_FLOAT) || count < 1 || count > kMostNumbers) return {};
  std::vector<double> numbers(static_cast<std::size_t>(count));
  if (H5Aread(attribute.get(), H5T_NATIVE_DOUBLE, numbers.data()) < 0) return {};
  return numbers;
}

std::vector<std::string> hdf5_strings(hid_t object, const char* attribute_name) {
  if (H5Aexists(object, attribute_name) <= 0) return {};
  const Hdf5Handle attribute(H5Aopen(object, attribute_name, H5P_DEFAULT), H5Aclose, "no attribute");
  const Hdf5Handle type(H5Aget_type(attribute.get()), H5Tclose, "no type");
  const Hdf5Handle space(H5Aget_space(attribute.get()), H5Sclose, "no space");
  const hssize_t count = H5Sget_simple_extent_npoints(space.get());
  constexpr hssize_t kMostStrings = 32;
  constexpr std::size_t kLongest = 1 << 16;  // bytes
  if (H5Tget_class(type.get()) != H5T_STRING || count < 1 || count > kMostStrings) return {};
  std::vector<std::string> strings;
  if (H5Tis_variable_str(type.get()) > 0) {
    std::vector<char*> texts(static_cast<std::size_t>(count), nullptr);
    if (H5Aread(attribute.get(), type.get(), texts.data()) < 0) return {};
    for (const char* text : texts) strings.emplace_back(text == nullptr ? "" : text);
    H5Dvlen_reclaim(type.get(), space.get(), H5P_DEFAULT, texts.data());
    return strings;
  }
  const std::size_t size = H5Tget_size(type.get());
  if (size == 0 || size > kLongest) return {};
  std::vector<char> bytes(size * static_cast<std::size_t>(count));
  if (H5Aread(attribute.get(), type.get(), bytes.data()) < 0) return {};
  for (std::size_t i = 0; i < bytes.size(); i += size)
    strings.emplace_back(bytes.data() + i, std::find(bytes.data() + i, bytes.data() + i + size, '\0'));
  return strings;
}

}  // namespace n2s
