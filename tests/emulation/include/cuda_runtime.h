// The emulation's version of CUDA's main header: .cu files compile as C++ (with N2S_EMULATION defined), and their
// kernels run on the CPU.
#pragma once

#include "emulation/control.h"
#include "emulation/device_functions.h"
#include "emulation/host_api.h"
#include "emulation/vector_types.h"

#define __global__
#define __device__
#define __host__
#define __constant__
#define __managed__
#define __grid_constant__
#define __launch_bounds__(...)
#define __forceinline__ inline
#define __align__(bytes) __attribute__((aligned(bytes)))
