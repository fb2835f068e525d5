// The definition of normalisation, in double precision, for tests.
#pragma once

namespace n2s {

/// value = voxel * scale + offset, held within [low, high].
struct NormaliseReference {
  double scale = 1, offset = 0;
  double low = 0, high = 0;
};
double normalise_reference(const NormaliseReference& map, double voxel);

/// The voxel whose normalised value this is.
double denormalise_reference(const NormaliseReference& map, double value);

}  // namespace n2s
