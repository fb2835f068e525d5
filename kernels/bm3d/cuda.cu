// BM3D on a GPU: blocks are matched for some rows of references at a time; then a thread block filters each group in
// shared memory and adds its blocks to integer sums, whose order does not matter.
#include <algorithm>

#include "kernels/base/error.h"
#include "kernels/block_matching/cuda.h"
#include "kernels/bm3d/cuda.h"
#include "kernels/device/check.h"
#include "kernels/device/grid.h"
#include "kernels/device/shared_memory.h"

namespace n2s::device {
namespace {

constexpr int kThreads = 256;
constexpr int kGroupsAtOnce = 1 << 16;
constexpr int kWarp = 32;

using Sum = unsigned long long;  // two's complement: atomicAdd() knows no signed type of this size

struct GroupArguments {
  DeviceBm3dStage stage;
  int height = 0, width = 0;
  const float* noisy = nullptr;
  const float* guide = nullptr;
  int first_row = 0, references = 0;  // references in a row
  const int* counts = nullptr;
  const std::uint16_t* members = nullptr;
  Sum* weights = nullptr;  // per pixel
  Sum* values = nullptr;
};

/// A group in shared memory, and what its threads share.
struct Group {
  float blocks[kMostBlocks * kBlockSize];
  float guides[kMostBlocks * kBlockSize];
  float scratch[kMostBlocks * kBlockSize];
  float forward[kBlockSize], inverse[kBlockSize];
  int offsets[kMostBlocks];
  int sum;
};

__device__ int position(int thread) {
  return thread % kBlockSize;
}

/// blocks = M blocks M^T, each block.
__device__ void transform_blocks(const float* matrix, int size, float* blocks, float* scratch) {
  for (int i = static_cast<int>(threadIdx.x); i < size; i += kThreads) {
    const float* block = blocks + i - position(i);
    const int row = position(i) / kBlock, x = i % kBlock;
    float sum = __fmul_rn(matrix[row * kBlock], block[x]);
#pragma unroll
    for (int k = 1; k < kBlock; ++k) sum = __fmaf_rn(matrix[row * kBlock + k], block[k * kBlock + x], sum);
    scratch[i] = sum;
  }
  __syncthreads();
  for (int i = static_cast<int>(threadIdx.x); i < size; i += kThreads) {
    const float* row = scratch + i - i % kBlock;
    const int x = i % kBlock;
    float sum = __fmul_rn(row[0], matrix[x * kBlock]);
#pragma unroll
    for (int k = 1; k < kBlock; ++k) sum = __fmaf_rn(row[k], matrix[x * kBlock + k], sum);
    blocks[i] = sum;
  }
  __syncthreads();
}

/// Of the Haar transform across blocks: every second one of the means so far and the next become a mean and a
/// difference.
__device__ void haar_step(int size, int distance, float* blocks) {
  for (int i = static_cast<int>(threadIdx.x); i < size / (2 * distance); i += kThreads) {
    float* first = blocks + i / kBlockSize * 2 * distance * kBlockSize + position(i);
    float* second = first + distance * kBlockSize;
    const float a = *first, b = *second;
    *first = __fmul_rn(a + b, 0.70710678F);
    *second = __fmul_rn(a - b, 0.70710678F);
  }
  __syncthreads();
}

__device__ void load_coefficients(const GroupArguments& a, const float* plane, int count, float* blocks, Group& group) {
  const int size = count * kBlockSize;
  for (int i = static_cast<int>(threadIdx.x); i < size; i += kThreads)
    blocks[i] = plane[group.offsets[i / kBlockSize] + position(i) / kBlock * a.width + i % kBlock];
  __syncthreads();
  transform_blocks(group.forward, size, blocks, group.scratch);
  for (int distance = 1; distance < count; distance *= 2) haar_step(size, distance, blocks);
}

__device__ void add_to_sum(Group& group, int mine) {
  for (int lanes = kWarp / 2; lanes > 0; lanes /= 2)
    mine += __shfl_down_sync(0xFFFFFFFFU, mine, static_cast<unsigned>(lanes));
  if (threadIdx.x % kWarp == 0) atomicAdd(&group.sum, mine);
  __syncthreads();
}

/// Sets small coefficients to 0, all but the mean of the group. Returns the group's weight.
__device__ float threshold(int size, float limit, Group& group) {
  int left = 0;
  for (int i = static_cast<int>(threadIdx.x); i < size; i += kThreads) {
    const bool is_signal = fabsf(group.blocks[i]) >= limit || i == 0;
    left += is_signal ? 1 : 0;
    if (!is_signal) group.blocks[i] = 0;
  }
  add_to_sum(group, left);
  return 1.0F / static_cast<float>(group.sum);
}

/// Multiplies by s^2 / (s^2 + noise variance), s from the guides, all but the mean. Returns the group's weight.
__device__ float wiener(int size, float variance, Group& group) {
  int squares = 0;
  for (int i = static_cast<int>(threadIdx.x); i < size; i += kThreads) {
    const float power = __fmul_rn(group.guides[i], group.guides[i]);
    const float weight = power / (power + variance);
    squares += __float2int_rn(__fmul_rn(__fmul_rn(weight, weight), kBm3dSquareUnit));
    if (i != 0) group.blocks[i] = __fmul_rn(weight, group.blocks[i]);
  }
  add_to_sum(group, squares);
  return kBm3dSquareUnit / static_cast<float>(max(group.sum, static_cast<int>(kBm3dSquareUnit)));
}

__device__ void add_blocks(const GroupArguments& a, int size, float weight, const Group& group) {
  const float scale = __fmul_rn(weight, kBm3dUnit);
  for (int i = static_cast<int>(threadIdx.x); i < size; i += kThreads) {
    const float factor = __fmul_rn(a.stage.window[position(i)], scale);
    const float value = fminf(fmaxf(group.blocks[i], -kBm3dLimit), kBm3dLimit);
    const int at = group.offsets[i / kBlockSize] + position(i) / kBlock * a.width + i % kBlock;
    atomicAdd(a.weights + at, static_cast<Sum>(static_cast<long long>(__float2int_rn(factor))));
    atomicAdd(a.values + at, static_cast<Sum>(static_cast<long long>(__float2int_rn(__fmul_rn(factor, value)))));
  }
}

/// One group per thread block.
__global__ void filter_kernel(const GroupArguments a) {
  Group& group = *shared_memory<Group>();
  const BlockSearch& s = a.stage.search;
  const auto thread = static_cast<int>(threadIdx.x);
  const auto number = static_cast<std::ptrdiff_t>(blockIdx.y) * a.references + static_cast<int>(blockIdx.x);
  int count = 1;
  while (2 * count <= a.counts[number]) count *= 2;
  if (thread < count) {
    const Shift shift = a.stage.order[a.members[number * s.most + thread]];
    const int y = reference_at(a.first_row + static_cast<int>(blockIdx.y), a.height, kBlock, s.step) + shift.y;
    const int x = reference_at(static_cast<int>(blockIdx.x), a.width, kBlock, s.step) + shift.x;
    group.offsets[thread] = y * a.width + x;
  }
  if (thread < kBlockSize) {
    group.forward[thread] = a.stage.forward[thread];
    group.inverse[thread] = a.stage.inverse[thread];
  }
  if (thread == 0) group.sum = 0;
  __syncthreads();
  const int size = count * kBlockSize;
  load_coefficients(a, a.noisy, count, group.blocks, group);
  if (a.stage.is_wiener) load_coefficients(a, a.guide, count, group.guides, group);
  const float weight = a.stage.is_wiener ? wiener(size, a.stage.limit, group) : threshold(size, a.stage.limit, group);
  for (int distance = count / 2; distance > 0; distance /= 2) haar_step(size, distance, group.blocks);
  transform_blocks(group.inverse, size, group.blocks, group.scratch);
  add_blocks(a, size, weight, group);
}

__global__ void estimate_kernel(const Sum* weights, const Sum* values, std::size_t pixels, float* estimate) {
  const std::size_t i = grid_index();
  if (i < pixels)
    estimate[i] = static_cast<float>(static_cast<double>(static_cast<long long>(values[i])) /
                                     static_cast<double>(static_cast<long long>(weights[i])));
}

/// Rows of reference blocks that are matched at once.
int rows_at_once(int width) {
  return std::max(1, kGroupsAtOnce / reference_count(width, kBlock, 1));
}

std::size_t groups_at_once(int width) {
  return static_cast<std::size_t>(rows_at_once(width)) * static_cast<std::size_t>(reference_count(width, kBlock, 1));
}

std::size_t pixels_of(int height, int width) {
  return static_cast<std::size_t>(height) * static_cast<std::size_t>(width);
}

}  // namespace

std::size_t bm3d_table_bytes(const Bm3dStageSetup& setup) {
  return setup.order.size() * sizeof(Shift) + std::size_t{3} * kBlockSize * sizeof(float);
}

DeviceBm3dStage upload_bm3d_stage(const Bm3dStageSetup& setup, std::byte* tables, cudaStream_t stream) {
  std::byte* to = tables;
  const auto upload = [&]<typename T>(const std::vector<T>& from) {
    check(cudaMemcpyAsync(to, from.data(), from.size() * sizeof(T), cudaMemcpyHostToDevice, stream), "BM3D, tables");
    const T* place = reinterpret_cast<const T*>(to);
    to += from.size() * sizeof(T);
    return place;
  };
  DeviceBm3dStage stage;
  stage.search = setup.search;
  stage.is_wiener = setup.is_wiener;
  stage.limit = setup.limit;
  stage.forward = upload(setup.transform.forward);
  stage.inverse = upload(setup.transform.inverse);
  stage.window = upload(setup.window);
  stage.order = upload(setup.order);
  return stage;
}

std::size_t bm3d_scratch_bytes(int height, int width) {
  return 2 * pixels_of(height, width) * sizeof(Sum) +
         groups_at_once(width) * (sizeof(int) + kMostBlocks * sizeof(std::uint16_t));
}

void bm3d_stage(const DeviceBm3d& p, cudaStream_t stream) {
  if (p.height < kBlock || p.width < kBlock) throw Error("BM3D: a plane has fewer than 8 x 8 pixels");
  const BlockSearch& s = p.stage.search;
  const std::size_t pixels = pixels_of(p.height, p.width);
  GroupArguments a;
  a.stage = p.stage;
  a.height = p.height;
  a.width = p.width;
  a.noisy = p.noisy;
  a.guide = p.guide;
  a.references = reference_count(p.width, kBlock, s.step);
  a.weights = reinterpret_cast<Sum*>(p.scratch);
  a.values = a.weights + pixels;
  auto* counts = reinterpret_cast<int*>(a.values + pixels);
  auto* members = reinterpret_cast<std::uint16_t*>(counts + groups_at_once(p.width));
  a.counts = counts;
  a.members = members;
  check(cudaMemsetAsync(p.scratch, 0, 2 * pixels * sizeof(Sum), stream), "BM3D, sums");
  const int rows = reference_count(p.height, kBlock, s.step);
  for (int first = 0; first < rows; first += rows_at_once(p.width)) {
    const int count = std::min(rows_at_once(p.width), rows - first);
    match_blocks({{p.guide, p.height, p.width, p.width}, s, p.stage.order, first, count, counts, members}, stream);
    a.first_row = first;
    launch("BM3D, filter", filter_kernel,
           {dim3(static_cast<unsigned>(a.references), static_cast<unsigned>(count)), dim3(kThreads), sizeof(Group),
            stream},
           a);
  }
  launch("BM3D, estimate", estimate_kernel, grid_for(pixels, stream), static_cast<const Sum*>(a.weights),
         static_cast<const Sum*>(a.values), pixels, p.estimate);
}

}  // namespace n2s::device
