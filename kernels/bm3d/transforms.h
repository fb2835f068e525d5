// The transforms of BM3D's blocks, as matrices, and the window with which blocks are put together.
#pragma once

#include <vector>

namespace n2s {

/// A separable transform of blocks of block x block pixels: coefficients = M B M^T. Row-major matrices.
struct BlockTransform {
  int block = 0;
  std::vector<float> forward, inverse;
};

/// Biorthogonal spline wavelets 1.5 (Cohen, Daubechies, Feauveau 1992), all levels, periodic at the edges; the rows
/// have unit norm, so that white noise stays as strong. `block` is a power of two.
BlockTransform wavelet_transform(int block);

/// The orthonormal cosine transform (DCT-II).
BlockTransform cosine_transform(int block);

/// Kaiser window with beta 2, block x block: less weight to the edges of blocks.
std::vector<float> kaiser_window(int block);

}  // namespace n2s
