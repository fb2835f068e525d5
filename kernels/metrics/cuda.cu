// Image metrics on a GPU: blocks reduce chunks of a plane to partial sums, and one block per plane reduces these. The
// affine map takes two such rounds, means before variances: the one-pass formula cancels where the mean is large.
#include "kernels/metrics/cuda.h"

#include <limits>

#include "kernels/base/error.h"
#include "kernels/device/block_sums.h"
#include "kernels/device/shared_memory.h"

namespace n2s::device {
namespace {

constexpr std::size_t kChunk = 4096;  // pixels per block
constexpr int kTile = 16;             // windows per block, on each side
constexpr int kTilePixels = kTile + kSsimWindow - 1;
static_assert(kTile * kTile == static_cast<int>(kGridThreads));

struct Means {
  double result = 0, truth = 0;
  bool constant = false;  // all pixels of the result are equal
};

/// The kernels' arguments. The partial sums of one plane and term are contiguous.
struct Arguments {
  const float* result = nullptr;
  const float* truth = nullptr;
  int height = 0, width = 0;
  std::size_t pixels = 0;  // per plane
  MetricSettings settings;
  double* partial_sums = nullptr;
  std::size_t chunks = 0;  // per plane
  double* tiles = nullptr;
  int tiles_down = 0, tiles_across = 0;  // none where the plane is smaller than a window
  Means* means = nullptr;
  AffineMap* maps = nullptr;
  MetricSums* sums = nullptr;

  __device__ double& partial_sum(int term, int terms, std::size_t chunk) const {
    return partial_sums[(static_cast<std::size_t>(blockIdx.y) * terms + term) * chunks + chunk];
  }
  __device__ double clamped(double value) const {
    if (!settings.clamp) return value;
    if (value < settings.clamp_low) return settings.clamp_low;
    return value > settings.clamp_high ? settings.clamp_high : value;  // NaN stays
  }
  /// Pixel i of the result after the map and the clamp.
  __device__ double mapped(std::size_t i, const AffineMap& map) const {
    return clamped(map.alpha * result[blockIdx.y * pixels + i] + map.beta);
  }
  __device__ double expected(std::size_t i) const { return clamped(truth[blockIdx.y * pixels + i]); }
};

/// Calls add(i, terms) for the pixels of the block's chunk, and stores the partial sums.
template <int kTerms, typename Add>
__device__ void sum_chunk(const Arguments& a, Add&& add) {
  double terms[kTerms]{};
  const std::size_t begin = blockIdx.x * kChunk;
  for (std::size_t i = begin + threadIdx.x; i < begin + kChunk && i < a.pixels; i += kGridThreads) add(i, terms);
  block_sums(shared_memory<double>(), terms);
  if (threadIdx.x != 0) return;
  for (int t = 0; t < kTerms; ++t) a.partial_sum(t, kTerms, blockIdx.x) = terms[t];
}

/// Reduces the plane's partial sums; thread 0 has the result.
template <int kTerms>
__device__ void sum_chunks(const Arguments& a, double (&terms)[kTerms]) {
  for (std::size_t i = threadIdx.x; i < a.chunks; i += kGridThreads)
    for (int t = 0; t < kTerms; ++t) terms[t] += a.partial_sum(t, kTerms, i);
  block_sums(shared_memory<double>(), terms);
}

__global__ void totals_kernel(const Arguments a) {
  const float* result = a.result + blockIdx.y * a.pixels;
  const float* truth = a.truth + blockIdx.y * a.pixels;
  sum_chunk<3>(a, [&](std::size_t i, double(&terms)[3]) {
    terms[0] += result[i];
    terms[1] += truth[i];
    terms[2] += result[i] != result[0] ? 1 : 0;
  });
}

__global__ void means_kernel(const Arguments a) {
  double totals[3]{};
  sum_chunks(a, totals);
  const auto pixels = static_cast<double>(a.pixels);
  if (threadIdx.x == 0) a.means[blockIdx.y] = {totals[0] / pixels, totals[1] / pixels, totals[2] == 0};
}

__global__ void spread_kernel(const Arguments a) {
  const Means means = a.means[blockIdx.y];
  const float* result = a.result + blockIdx.y * a.pixels;
  const float* truth = a.truth + blockIdx.y * a.pixels;
  sum_chunk<2>(a, [&](std::size_t i, double(&terms)[2]) {
    const double deviation = result[i] - means.result;
    terms[0] += deviation * (truth[i] - means.truth);
    terms[1] += deviation * deviation;
  });
}

/// A constant image has no slope: its computed variance would be rounding noise.
__global__ void map_kernel(const Arguments a) {
  double spread[2]{};
  sum_chunks(a, spread);
  if (threadIdx.x != 0) return;
  const Means means = a.means[blockIdx.y];
  const double alpha = means.constant ? 0 : spread[0] / spread[1];
  a.maps[blockIdx.y] = {alpha, means.truth - alpha * means.result};
}

__global__ void no_map_kernel(const Arguments a) {
  a.maps[blockIdx.y] = {1, 0};
}

__global__ void error_kernel(const Arguments a) {
  const AffineMap map = a.maps[blockIdx.y];
  sum_chunk<2>(a, [&](std::size_t i, double(&terms)[2]) {
    const double expected = a.expected(i);
    const double error = a.mapped(i, map) - expected;
    terms[0] += error * error;
    terms[1] += expected * expected;
  });
}

/// Shared memory of a block: the pixels under its windows, their moments summed along rows of seven, and the reduction.
struct SsimMemory {
  double x[kTilePixels][kTilePixels], y[kTilePixels][kTilePixels];
  SsimMoments rows[kTilePixels][kTile];
  double sums[kGridThreads];
};

__device__ void load_tile(const Arguments& a, SsimMemory& memory, int top, int left) {
  const AffineMap map = a.maps[blockIdx.y];
  for (int i = static_cast<int>(threadIdx.x); i < kTilePixels * kTilePixels; i += static_cast<int>(kGridThreads)) {
    const int row = i / kTilePixels;
    const int column = i % kTilePixels;
    const bool inside = top + row < a.height && left + column < a.width;
    const std::size_t pixel = static_cast<std::size_t>(top + row) * a.width + static_cast<std::size_t>(left + column);
    memory.x[row][column] = inside ? a.mapped(pixel, map) : 0;
    memory.y[row][column] = inside ? a.expected(pixel) : 0;
  }
}

__device__ void sum_rows(SsimMemory& memory) {
  for (int i = static_cast<int>(threadIdx.x); i < kTilePixels * kTile; i += static_cast<int>(kGridThreads)) {
    SsimMoments sum;
    for (int k = 0; k < kSsimWindow; ++k)
      sum.add(ssim_moments(memory.x[i / kTile][i % kTile + k], memory.y[i / kTile][i % kTile + k]), 1);
    memory.rows[i / kTile][i % kTile] = sum;
  }
}

/// Only windows inside the plane count, which is what cropping scikit-image's border leaves.
__global__ void ssim_kernel(const Arguments a) {
  auto& memory = *shared_memory<SsimMemory>();
  const int top = static_cast<int>(blockIdx.x) / a.tiles_across * kTile;
  const int left = static_cast<int>(blockIdx.x) % a.tiles_across * kTile;
  load_tile(a, memory, top, left);
  __syncthreads();
  sum_rows(memory);
  __syncthreads();
  const int row = static_cast<int>(threadIdx.x) / kTile;
  const int column = static_cast<int>(threadIdx.x) % kTile;
  double terms[1]{};
  if (top + row + kSsimWindow <= a.height && left + column + kSsimWindow <= a.width) {
    SsimMoments sum;
    for (int k = 0; k < kSsimWindow; ++k) sum.add(memory.rows[row + k][column], 1);
    terms[0] = ssim_of(sum, a.settings.data_range);
  }
  block_sums(memory.sums, terms);
  if (threadIdx.x == 0) a.tiles[static_cast<std::size_t>(blockIdx.y) * gridDim.x + blockIdx.x] = terms[0];
}

__global__ void sums_kernel(const Arguments a) {
  double errors[2]{};
  sum_chunks(a, errors);
  __syncthreads();
  const int tiles = a.tiles_down * a.tiles_across;
  double ssim[1]{};
  for (int i = static_cast<int>(threadIdx.x); i < tiles; i += static_cast<int>(kGridThreads))
    ssim[0] += a.tiles[static_cast<std::size_t>(blockIdx.y) * tiles + i];
  block_sums(shared_memory<double>(), ssim);
  const double windows = static_cast<double>(a.height - kSsimWindow + 1) * (a.width - kSsimWindow + 1);
  if (threadIdx.x == 0)
    a.sums[blockIdx.y] = {errors[0], errors[1],
                          tiles > 0 ? ssim[0] / windows : std::numeric_limits<double>::quiet_NaN()};
}

constexpr int kMostTerms = 3;

std::size_t pixels_of(int height, int width) {
  return static_cast<std::size_t>(height) * static_cast<std::size_t>(width);
}

std::size_t chunks_of(int height, int width) {
  return (pixels_of(height, width) + kChunk - 1) / kChunk;
}

/// Tiles of windows along an axis.
int tiles_of(int size) {
  return size < kSsimWindow ? 0 : (size - kSsimWindow) / kTile + 1;
}

std::size_t doubles_of(int planes, int height, int width) {
  const std::size_t tiles = pixels_of(tiles_of(height), tiles_of(width));
  return static_cast<std::size_t>(planes) * (kMostTerms * chunks_of(height, width) + tiles);
}

}  // namespace

std::size_t image_metrics_scratch_bytes(int planes, int height, int width) {
  return doubles_of(planes, height, width) * sizeof(double) + static_cast<std::size_t>(planes) * sizeof(Means);
}

void image_metrics(const DeviceImageMetrics& p, cudaStream_t stream) {
  if (p.planes < 1 || p.planes > kMostMetricPlanes || p.height < 1 || p.width < 1)
    throw Error("metrics on the GPU: from 1 to 65535 planes, of at least 1 pixel");
  Arguments a;
  a.result = p.result;
  a.truth = p.truth;
  a.height = p.height;
  a.width = p.width;
  a.pixels = pixels_of(p.height, p.width);
  a.settings = p.settings;
  a.partial_sums = static_cast<double*>(p.scratch);
  a.chunks = chunks_of(p.height, p.width);
  a.tiles = a.partial_sums + kMostTerms * a.chunks * static_cast<std::size_t>(p.planes);
  a.tiles_down = tiles_of(p.width) > 0 ? tiles_of(p.height) : 0;
  a.tiles_across = tiles_of(p.height) > 0 ? tiles_of(p.width) : 0;
  a.means = reinterpret_cast<Means*>(a.partial_sums + doubles_of(p.planes, p.height, p.width));
  a.maps = p.maps;
  a.sums = p.sums;
  const auto planes = static_cast<unsigned>(p.planes);
  const auto in_chunks = [&](const char* name, auto kernel, int terms) {
    const auto chunks = static_cast<unsigned>(a.chunks);
    launch(name, kernel, {dim3(chunks, planes), dim3(kGridThreads), block_sums_bytes(terms), stream}, a);
  };
  const auto per_plane = [&](const char* name, auto kernel, int terms) {
    launch(name, kernel, {dim3(1, planes), dim3(kGridThreads), block_sums_bytes(terms), stream}, a);
  };
  if (p.settings.affine) {
    in_chunks("metrics, totals", totals_kernel, 3);
    per_plane("metrics, means", means_kernel, 3);
    in_chunks("metrics, variances", spread_kernel, 2);
    per_plane("metrics, affine map", map_kernel, 2);
  } else {
    launch("metrics, no map", no_map_kernel, {dim3(1, planes), dim3(1), 0, stream}, a);
  }
  in_chunks("metrics, errors", error_kernel, 2);
  if (const int tiles = a.tiles_down * a.tiles_across; tiles > 0)
    launch("SSIM", ssim_kernel,
           {dim3(static_cast<unsigned>(tiles), planes), dim3(kGridThreads), sizeof(SsimMemory), stream}, a);
  per_plane("metrics, sums", sums_kernel, 2);
}

}  // namespace n2s::device
