// Block matching on a GPU: a warp for each reference block. Its lanes compute the distances of 32 candidates at a time
// from a window of the plane in shared memory; the sorted list of the nearest ones lies across the lanes.
#include "kernels/base/error.h"
#include "kernels/block_matching/cuda.h"
#include "kernels/device/launch.h"
#include "kernels/device/shared_memory.h"

namespace n2s::device {
namespace {

constexpr int kWarps = 8;  // reference blocks of a thread block, neighbours in a row
constexpr int kSide = 8;   // pixels of a block
constexpr unsigned kAllLanes = 0xFFFFFFFFU;

/// The part of the plane that a thread block's candidates lie in.
struct Window {
  int top, left, height, width;
};

__device__ Window window_of(const DeviceBlockMatching& p, int y, int first_x, int last_x) {
  const int reach = p.search.reach;
  const int top = max(y - reach, 0), left = max(first_x - reach, 0);
  return {top, left, min(y + reach + kSide, p.plane.height) - top, min(last_x + reach + kSide, p.plane.width) - left};
}

/// In the order that block_matching.h fixes: rows by fused multiply-add, then columns in pairs.
__device__ float distance(const float* a, const float* b, int width) {
  float sums[kSide] = {};
#pragma unroll
  for (int y = 0; y < kSide; ++y)
#pragma unroll
    for (int x = 0; x < kSide; ++x) {
      const float difference = a[y * width + x] - b[y * width + x];
      sums[x] = __fmaf_rn(difference, difference, sums[x]);
    }
  return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

/// Each lane has one place of the list; of those that are not taken the distance is infinite.
struct Nearest {
  float distance = INFINITY;
  int shift = 0;
  int count = 0;
  float farthest;  // what a candidate must be nearer than

  /// The same arguments in all lanes.
  __device__ void insert(float candidate, int number, int most, int lane) {
    const int place = __popc(__ballot_sync(kAllLanes, distance <= candidate ? 1 : 0));
    const float previous = __shfl_up_sync(kAllLanes, distance, 1);
    const int previous_shift = __shfl_up_sync(kAllLanes, shift, 1);
    if (lane > place) {
      distance = previous;
      shift = previous_shift;
    } else if (lane == place) {
      distance = candidate;
      shift = number;
    }
    if (lane >= most) distance = INFINITY;
    count = min(count + 1, most);
    const float last = __shfl_sync(kAllLanes, distance, most - 1);
    if (count == most) farthest = last;
  }
};

__global__ void match_kernel(const DeviceBlockMatching p, int references, int shifts) {
  auto* pixels = shared_memory<float>();
  const BlockSearch& s = p.search;
  const auto warp = static_cast<int>(threadIdx.x / 32), lane = static_cast<int>(threadIdx.x % 32);
  const int y = reference_at(p.first_row + static_cast<int>(blockIdx.y), p.plane.height, kSide, s.step);
  const int first = static_cast<int>(blockIdx.x) * kWarps;
  const Window w = window_of(p, y, reference_at(first, p.plane.width, kSide, s.step),
                             reference_at(min(first + kWarps, references) - 1, p.plane.width, kSide, s.step));
  for (int i = static_cast<int>(threadIdx.x); i < w.height * w.width; i += kWarps * 32)
    pixels[i] = p.plane.data[(w.top + i / w.width) * p.plane.stride + w.left + i % w.width];
  __syncthreads();
  const int reference = first + warp;
  if (reference >= references) return;
  const int x = reference_at(reference, p.plane.width, kSide, s.step);
  const float* mine = pixels + (y - w.top) * w.width + x - w.left;
  Nearest nearest;
  nearest.farthest = s.farthest;
  for (int base = 0; base < shifts; base += 32) {
    const int number = base + lane;
    float candidate = INFINITY;
    if (number < shifts) {
      const Shift shift = p.order[number];
      const int top = y + shift.y, left = x + shift.x;
      if (top >= 0 && left >= 0 && top + kSide <= p.plane.height && left + kSide <= p.plane.width)
        candidate = distance(mine, mine + shift.y * w.width + shift.x, w.width);
    }
    unsigned left_over = __ballot_sync(kAllLanes, candidate < nearest.farthest ? 1 : 0);
    for (; left_over != 0; left_over &= left_over - 1) {
      const int source = __ffs(static_cast<int>(left_over)) - 1;
      const float value = __shfl_sync(kAllLanes, candidate, source);
      if (value < nearest.farthest) nearest.insert(value, base + source, s.most, lane);
    }
  }
  const std::ptrdiff_t place = static_cast<std::ptrdiff_t>(blockIdx.y) * references + reference;
  if (lane == 0) p.counts[place] = nearest.count;
  if (lane < s.most) p.members[place * s.most + lane] = static_cast<std::uint16_t>(nearest.shift);
}

}  // namespace

void match_blocks(const DeviceBlockMatching& p, cudaStream_t stream) {
  const BlockSearch& s = p.search;
  if (s.block != kSide || s.most < 1 || s.most > kMostBlocks || p.plane.height < kSide || p.plane.width < kSide)
    throw Error("block matching: the sizes do not fit together");
  const int references = reference_count(p.plane.width, kSide, s.step);
  const int side = 2 * s.reach + 1;
  const auto window = static_cast<std::size_t>((2 * s.reach + kSide) * (2 * s.reach + kSide + (kWarps - 1) * s.step));
  LaunchShape shape;
  shape.grid = dim3(blocks_for(static_cast<std::size_t>(references), kWarps), static_cast<unsigned>(p.rows));
  shape.block = dim3(kWarps * 32);
  shape.shared_bytes = window * sizeof(float);
  shape.stream = stream;
  launch("block matching", match_kernel, shape, p, references, side * side);
}

}  // namespace n2s::device
