// Marks functions that run on the CPU and, compiled by a CUDA compiler, on the device as well.
#pragma once

#ifdef __CUDACC__
#define N2S_HOST_DEVICE __host__ __device__
#else
#define N2S_HOST_DEVICE
#endif
