// Asks each library for its version.
#include "tools/libraries.h"

#include <blosc.h>
#include <fmt/format.h>
#include <hwy/highway.h>
#include <png.h>
#include <tiffio.h>
#include <zlib.h>
#include <zstd.h>

#include <CLI/Version.hpp>
#include <nlohmann/json.hpp>
#include <pugixml.hpp>
#include <string>

#include "data/formats/hdf5.h"

namespace n2s {
namespace {

/// libtiff answers with a version and its copyright: "LIBTIFF, Version 4.5.0\nCopyright ...".
std::string tiff_version() {
  const std::string text = TIFFGetVersion();
  const std::string line = text.substr(0, text.find('\n'));
  return line.substr(line.find_last_of(' ') + 1);
}

}  // namespace

nlohmann::json library_versions() {
  return {
      {"highway", fmt::format("{}.{}.{}", HWY_MAJOR, HWY_MINOR, HWY_PATCH)},
      {"libtiff", tiff_version()},
      {"libpng", png_get_libpng_ver(nullptr)},
      {"zlib", zlibVersion()},
      {"zstd", ZSTD_versionString()},
      {"blosc", blosc_get_version_string()},
      {"pugixml", fmt::format("{}.{}.{}", PUGIXML_VERSION / 1000, PUGIXML_VERSION / 10 % 100, PUGIXML_VERSION % 10)},
      {"hdf5", hdf5_version()},
      {"fmt", fmt::format("{}.{}.{}", FMT_VERSION / 10000, FMT_VERSION / 100 % 100, FMT_VERSION % 100)},
      {"cli11", CLI11_VERSION},
      {"nlohmann_json",
       fmt::format("{}.{}.{}", NLOHMANN_JSON_VERSION_MAJOR, NLOHMANN_JSON_VERSION_MINOR, NLOHMANN_JSON_VERSION_PATCH)}};
}

}  // namespace n2s
