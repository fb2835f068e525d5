// Stops the build where the compiler includes another CUDA version's headers than those of the toolkit whose runtime is
// linked: structs such as cudaDeviceProp differ between versions. Included by one .cpp and one .cu file, since the
// host's and the device's compiler search different folders. CMake sets N2S_CUDART_VERSION where the real runtime is
// used.
#pragma once

#include <cuda_runtime.h>

#ifdef N2S_CUDART_VERSION
static_assert(CUDART_VERSION == N2S_CUDART_VERSION,
              "CUDA headers of another version than the toolkit are included: look for others in the include path");
#endif
