// The packed form of weights for the GPU: for each tile of BN output channels and each chunk of input channels, all
// taps, so that a block reads contiguous memory: [tile of BN outputs][chunk][tap][channel in the chunk][output in the
// tile].
#pragma once

#include <cstddef>

#include "kernels/base/host_device.h"
#include "kernels/conv3x3/cuda/cuda.h"

namespace n2s::device {

/// Channels in a chunk, for every tile type.
inline int chunk_channels(const ConvMode& mode) {
  return element_bytes(mode.precision) == 4 ? 8 : 16;
}

/// Output channels that a block computes: 48, 32 or 16 (at most `most`), whatever pads `channels` least.
inline int block_columns(int channels, int most = 48) {
  int best = most;
  for (const int columns : {32, 16})
    if (columns < most && (channels + columns - 1) / columns * columns < (channels + best - 1) / best * best)
      best = columns;
  return best;
}

/// The matrix that a part of the convolution multiplies by.
struct PackedPart {
  int inputs = 0, outputs = 0;  // channels that are summed over, and that come out; 0: no such part
  int taps = 0;
  int chunk = 0;    // channels
  int columns = 0;  // BN

  N2S_HOST_DEVICE int chunks() const { return (inputs + chunk - 1) / chunk; }
  N2S_HOST_DEVICE int tiles() const { return outputs == 0 || inputs == 0 ? 0 : (outputs + columns - 1) / columns; }
  N2S_HOST_DEVICE std::size_t chunk_elements() const { return static_cast<std::size_t>(taps * chunk * columns); }
  N2S_HOST_DEVICE std::size_t tile_elements() const { return chunk_elements() * static_cast<std::size_t>(chunks()); }
  N2S_HOST_DEVICE std::size_t elements() const { return tile_elements() * static_cast<std::size_t>(tiles()); }
};

/// A layer's low and skip part; the memory of skip follows that of low.
struct PackedParts {
  PackedPart low, skip;
  std::size_t elements() const { return low.elements() + skip.elements(); }
};

/// The parts of the forward pass, or of the data gradient, where inputs and outputs change places.
inline PackedParts packed_parts(const Conv3x3Layer& l, ConvPass pass, const ConvMode& mode) {
  const int low = l.low_channels;
  const int skip = l.skip_channels;
  const int out = l.out_channels;
  const int chunk = chunk_channels(mode);
  // Two stages of 16 taps and 48 columns would leave room for one block per multiprocessor only.
  const int most_low = mode.variant == ConvVariant::mma ? 32 : 48;
  if (pass == ConvPass::data_gradient)
    return {{out, low, 16, chunk, block_columns(low, most_low)}, {out, skip, 9, chunk, block_columns(skip)}};
  const int columns = block_columns(out);
  return {{low, low > 0 ? out : 0, 16, chunk, columns}, {skip, skip > 0 ? out : 0, 9, chunk, columns}};
}

}  // namespace n2s::device
