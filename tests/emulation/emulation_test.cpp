// The emulation's kernels: their results, and the detection of divergence and of invalid launches.
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "tests/emulation/launch_helpers.h"

using namespace n2s;
using namespace n2s::test;

namespace {

template <typename T>
std::vector<T> counting(std::size_t count) {
  std::vector<T> values(count);
  std::iota(values.begin(), values.end(), T{1});
  return values;
}

__global__ void add_vectors(const float* a, const float* b, float* sum, int count) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < count) sum[i] = a[i] + b[i];
}

__global__ void write_indices(int* out) {
  const unsigned thread = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
  const unsigned block = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
  out[block * (blockDim.x * blockDim.y * blockDim.z) + thread] = static_cast<int>(1000 * block + thread);
}

__global__ void reduce_in_shared_memory(const int* in, int* sums) {
  int* partial = reinterpret_cast<int*>(emulation::shared_memory());
  partial[threadIdx.x] = in[blockIdx.x * blockDim.x + threadIdx.x];
  for (unsigned width = blockDim.x / 2; width > 0; width /= 2) {
    __syncthreads();
    if (threadIdx.x < width) partial[threadIdx.x] += partial[threadIdx.x + width];
  }
  if (threadIdx.x == 0) sums[blockIdx.x] = partial[0];
}

template <typename T>
__global__ void reduce_by_shuffles(const T* in, T* sums) {
  T sum = in[blockIdx.x * blockDim.x + threadIdx.x];
  for (int width = 16; width > 0; width /= 2) sum += __shfl_xor_sync(0xFFFFFFFFU, sum, width);
  if (threadIdx.x % 32 == 0) sums[(blockIdx.x * blockDim.x + threadIdx.x) / 32] = sum;
}

__global__ void all_shuffles(int* out) {
  const int lane = static_cast<int>(threadIdx.x);
  int* mine = out + std::ptrdiff_t{lane} * 8;
  mine[0] = __shfl_sync(0xFFFFFFFFU, lane, 5);
  mine[1] = __shfl_sync(0xFFFFFFFFU, lane, 5, 8);
  mine[2] = __shfl_up_sync(0xFFFFFFFFU, lane, 3);
  mine[3] = __shfl_down_sync(0xFFFFFFFFU, lane, 3, 16);
  mine[4] = static_cast<int>(__ballot_sync(0xFFFFFFFFU, lane % 3 == 0));
  mine[5] = __any_sync(0xFFFFFFFFU, lane == 40) + 2 * __any_sync(0xFFFFFFFFU, lane == 31);
  mine[6] = __all_sync(0xFFFFFFFFU, lane < 31) + 2 * __all_sync(0xFFFFFFFFU, lane < 32);
  if (lane % 2 == 0)
    mine[7] = __shfl_xor_sync(0x55555555U, lane, 4);
  else
    mine[7] = -1;
}

__global__ void some_end_before_barrier() {
  if (threadIdx.x >= 40) return;
  __syncthreads();
}

__global__ void two_barriers() {
  if (threadIdx.x < 32)
    __syncthreads();
  else
    __syncthreads();
}

__global__ void barrier_and_shuffle() {
  if (threadIdx.x % 2 == 0)
    __syncthreads();
  else
    __syncwarp();
}

__global__ void lane_has_ended() {
  const std::vector<int> owned(100);  // destroyed although the waiting lanes never go on
  if (threadIdx.x == 7) return;
  __shfl_sync(0xFFFFFFFFU, owned[0], 3);
}

__global__ void trap_in_one(int thread) {
  if (static_cast<int>(threadIdx.y) == thread) __trap();
  __syncthreads();
}

__global__ void look_at_shared_memory(unsigned* out) {
  const auto* words = reinterpret_cast<const unsigned*>(emulation::shared_memory());
  out[blockIdx.x] = words[1023];
  reinterpret_cast<unsigned*>(emulation::shared_memory())[1023] = 1;
}

__global__ void count_barrier(int* out) {
  out[threadIdx.x] = __syncthreads_count(threadIdx.x % 3 == 0) + 1000 * __syncthreads_or(threadIdx.x == 9) +
                     10000 * __syncthreads_and(threadIdx.x < 99);
}

}  // namespace

TEST_CASE("a kernel adds vectors") {
  const auto a = counting<float>(1000);
  const Buffer<float> in(a);
  const Buffer<float> out(1000);
  CHECK(launch(add_vectors, 8, 128, 0, in.data, in.data, out.data, 1000) == cudaSuccess);
  CHECK(cudaDeviceSynchronize() == cudaSuccess);
  const std::vector<float> sums = out.values();
  for (std::size_t i = 0; i < sums.size(); ++i) REQUIRE(sums[i] == 2 * a[i]);
}

TEST_CASE("indices of threads and blocks count x first") {
  const Buffer<int> out(std::size_t{2} * 3 * 2 * 60);
  CHECK(launch(write_indices, dim3(2, 3, 2), dim3(5, 4, 3), 0, out.data) == cudaSuccess);
  const std::vector<int> values = out.values();
  for (std::size_t i = 0; i < values.size(); ++i) REQUIRE(values[i] == static_cast<int>(i / 60 * 1000 + i % 60));
}

TEST_CASE("reductions through shared memory and through shuffles, in both orders of threads") {
  const Buffer<int> in(counting<int>(1024));
  const Buffer<double> doubles(counting<double>(1024));
  for (const emulation::Order order : {emulation::Order::ascending, emulation::Order::descending}) {
    emulation::set_order(order);
    const Buffer<int> sums(4), warp_sums(32);
    const Buffer<double> double_sums(32);
    CHECK(launch(reduce_in_shared_memory, 4, 256, 1024, in.data, sums.data) == cudaSuccess);
    CHECK(launch(reduce_by_shuffles<int>, 2, 512, 0, in.data, warp_sums.data) == cudaSuccess);
    CHECK(launch(reduce_by_shuffles<double>, 1, 1024, 0, doubles.data, double_sums.data) == cudaSuccess);
    for (int block = 0; block < 4; ++block)
      CHECK(sums.values()[static_cast<std::size_t>(block)] == 256 * 257 / 2 + block * 256 * 256);
    for (int warp = 0; warp < 32; ++warp) {
      CHECK(warp_sums.values()[static_cast<std::size_t>(warp)] == 32 * 33 / 2 + warp * 32 * 32);
      CHECK(double_sums.values()[static_cast<std::size_t>(warp)] == 32 * 33 / 2 + warp * 32 * 32);
    }
  }
  emulation::set_order(emulation::Order::ascending);
}

TEST_CASE("shuffles and votes") {
  const Buffer<int> out(std::size_t{32} * 8);
  CHECK(launch(all_shuffles, 1, 32, 0, out.data) == cudaSuccess);
  REQUIRE(cudaDeviceSynchronize() == cudaSuccess);
  const std::vector<int> values = out.values();
  for (int lane = 0; lane < 32; ++lane) {
    const int* mine = values.data() + std::ptrdiff_t{lane} * 8;
    CHECK(mine[0] == 5);
    CHECK(mine[1] == lane / 8 * 8 + 5);
    CHECK(mine[2] == (lane < 3 ? lane : lane - 3));
    CHECK(mine[3] == (lane % 16 < 13 ? lane + 3 : lane));
    CHECK(static_cast<unsigned>(mine[4]) == 0x49249249U);
    CHECK(mine[5] == 2);
    CHECK(mine[6] == 2);
    CHECK(mine[7] == (lane % 2 == 0 ? lane ^ 4 : -1));
  }
}

TEST_CASE("a block that is no multiple of a warp") {
  const Buffer<int> out(77);
  CHECK(launch(count_barrier, 1, 77, 0, out.data) == cudaSuccess);
  for (const int value : out.values()) CHECK(value == 26 + 1000 + 10000);
}

TEST_CASE("barriers that threads do not reach together are failures that say where") {
  std::string text = failure_of(some_end_before_barrier, 96);
  CHECK_MESSAGE(contains(text,
                         "some_end_before_barrier, block (0, 0, 0) cannot go on: 40 of 96 threads wait in "
                         "__syncthreads (emulation_test.cpp:"),
                text);
  CHECK_MESSAGE(contains(text, "56 of 96 threads have ended, first (40, 0, 0)"), text);
  text = failure_of(two_barriers, 64);
  CHECK_MESSAGE(contains(text, "while 32 threads do at another"), text);
  text = failure_of(barrier_and_shuffle, 32);
  CHECK_MESSAGE(contains(text, "16 of 32 threads wait in __syncwarp"), text);
  text = failure_of(lane_has_ended, 32);
  CHECK_MESSAGE(contains(text, "31 of 32 threads wait in __shfl_sync"), text);
  text = failure_of(trap_in_one, dim3(8, 8), 3);
  CHECK_MESSAGE(contains(text, "trap_in_one, block (0, 0, 0), thread (0, 3, 0): __trap"), text);
}

TEST_CASE("after a failure all calls fail until it is forgotten") {
  launch(some_end_before_barrier, 1, 64, 0);
  void* memory = nullptr;
  CHECK(cudaDeviceSynchronize() == cudaErrorLaunchFailure);
  CHECK(cudaMalloc(&memory, 16) == cudaErrorLaunchFailure);
  emulation::forget_failure();
  CHECK(cudaDeviceSynchronize() == cudaSuccess);
  CHECK(cudaGetLastError() == cudaSuccess);
}

TEST_CASE("shared memory is full of 0xFF when a block begins, and as large as allowed") {
  const Buffer<unsigned> out(3);
  CHECK(launch(look_at_shared_memory, 3, 1, 4096, out.data) == cudaSuccess);
  CHECK(out.values() == std::vector<unsigned>(3, 0xFFFFFFFFU));
  CHECK(launch(look_at_shared_memory, 3, 1, 48 * 1024 + 1, out.data) == cudaErrorInvalidValue);
  CHECK(cudaFuncSetAttribute(look_at_shared_memory, cudaFuncAttributeMaxDynamicSharedMemorySize, 227 * 1024) ==
        cudaSuccess);
  CHECK(launch(look_at_shared_memory, 3, 1, std::size_t{227} * 1024, out.data) == cudaSuccess);
  CHECK(launch(look_at_shared_memory, 1, 1025, 4096, out.data) == cudaErrorInvalidConfiguration);
  CHECK(launch(look_at_shared_memory, dim3(1, 65536), 1, 4096, out.data) == cudaErrorInvalidConfiguration);
  CHECK(launch(look_at_shared_memory, 0, 1, 4096, out.data) == cudaErrorInvalidConfiguration);
  CHECK(cudaGetLastError() == cudaErrorInvalidConfiguration);
  CHECK(cudaGetLastError() == cudaSuccess);
}

TEST_CASE("halves round to nearest even, whatever their size") {
  for (std::uint32_t bits = 0; bits < 65536; ++bits) {
    const __half number = __ushort_as_half(static_cast<unsigned short>(bits));
    const unsigned exponent = bits >> 10 & 31U;
    const unsigned mantissa = bits & 1023U;
    double size = exponent == 0 ? mantissa * 0x1p-24 : (1024 + mantissa) * std::exp2(static_cast<int>(exponent) - 25);
    if (exponent == 31) size = mantissa == 0 ? std::numeric_limits<double>::infinity() : std::nan("");
    const double expected = bits >= 32768 ? -size : size;
    if (std::isnan(expected)) {
      REQUIRE(std::isnan(__half2float(number)));
      REQUIRE(__half_as_ushort(__float2half(__half2float(number))) == 0x7FFF);
      continue;
    }
    REQUIRE(double{__half2float(number)} == expected);
    REQUIRE(__half_as_ushort(__float2half_rn(__half2float(number))) == bits);
    if (exponent == 31) continue;
    // The middle between it and the next one away from zero goes to the even one; a little off it, to the nearer.
    const double next = exponent == 30 && mantissa == 1023
                            ? 65536.0
                            : double{__half2float(__ushort_as_half(static_cast<unsigned short>((bits & 0x7FFFU) + 1)))};
    const auto middle = static_cast<float>((size + next) / 2);
    const unsigned low = bits & 0x7FFFU;
    REQUIRE(__half_as_ushort(__half(middle)) == (low % 2 == 0 ? low : low + 1));
    REQUIRE(__half_as_ushort(__half(std::nextafter(middle, 0.0F))) == low);
    REQUIRE(__half_as_ushort(__half(std::nextafter(middle, 1e9F))) == low + 1);
  }
  static_assert(sizeof(__half) == 2 && sizeof(__half2) == 4 && alignof(__half2) == 4);
}

TEST_CASE("bfloat16 is the upper half of a float, rounded to nearest even") {
  CHECK(__bfloat16_as_ushort(__float2bfloat16(1.0F)) == 0x3F80);
  CHECK(__bfloat16_as_ushort(__float2bfloat16_rn(__uint_as_float(0x3F808000U))) == 0x3F80);
  CHECK(__bfloat16_as_ushort(__float2bfloat16_rn(__uint_as_float(0x3F818000U))) == 0x3F82);
  CHECK(__bfloat16_as_ushort(__float2bfloat16_rn(__uint_as_float(0x3F808001U))) == 0x3F81);
  CHECK(__bfloat16_as_ushort(__float2bfloat16_rn(__uint_as_float(0xFF7FFFFFU))) == 0xFF80);
  CHECK(__bfloat16_as_ushort(__float2bfloat16_rn(std::nanf(""))) == 0x7FFF);
  CHECK(__bfloat162float(__ushort_as_bfloat16(0x0001)) == 0x1p-133F);
}
