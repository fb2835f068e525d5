// Order and spacing of planes in the TIFF dialects of microscopes. Used by tiff_series.cpp.
// Sources: MetaMorph Stack (STK) Image File Format (Molecular Devices; tags UIC1 to UIC4); LSM file format (Carl Zeiss,
// release 6.0; tag CZ_LSMINFO); ScanImage BigTIFF specification (https://docs.scanimage.org).
#pragma once

#include <optional>

#include "data/formats/tiff_series.h"

namespace n2s {

/// MetaMorph: all planes follow one another behind a single directory. Nothing for other files; throws Error where the
/// planes cannot be read.
std::optional<TiffSeries> stk_series(const TiffFile& file);

/// Zeiss LSM: a directory for each plane, its channels as samples, beside thumbnails.
std::optional<TiffSeries> lsm_series(const TiffFile& file);

/// ScanImage: channels fastest, then slices or frames, as its settings say. Planes that only return the focus are left
/// out.
std::optional<TiffSeries> scanimage_series(const TiffFile& file);

}  // namespace n2s
